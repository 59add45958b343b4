//! Compares the store of one machine (a SQLite file) with an equivalent in-memory map.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::sync::Arc;

use bluetick_lookups::sqlite::SqliteStore;
use bluetick_lookups::{Entry, Fact, Filter, Item, LookupStore, Merge, Position, State, Updates};
use proptest::prelude::*;

const BEGIN: i64 = 1_790_000_000_000;

fn send(number: u32) -> Fact {
    let text = |prefix: &str, modulo: u32| Some(format!("{prefix}{}", number % modulo));
    Fact {
        table: "sends".to_owned(),
        // Two messages each are sent at the same time.
        event_ts: BEGIN + i64::from(number / 2),
        received_at: BEGIN + 1_000_000,
        message_id: Some(format!("wamid.{:03}", number * 7 % 200)),
        wa_id: text("49170", 11),
        template_name: text("template", 3),
        standalone: Some(number.is_multiple_of(4)),
        event_id: (!number.is_multiple_of(4)).then(|| format!("event{}", number % 5)),
        event_registration_id: (!number.is_multiple_of(4)).then(|| format!("registration{}", number % 17)),
        guest_id: text("guest", 13),
        ..Fact::default()
    }
}

fn updates(facts: impl IntoIterator<Item = Fact>) -> Updates {
    let mut updates = Updates::default();
    facts.into_iter().for_each(|fact| updates.push(fact));
    updates
}

/// The messages that a store should list.
fn expected(items: &BTreeMap<String, Item>, filter: &Filter) -> Vec<Entry> {
    let mut entries: Vec<Entry> =
        items.iter().filter(|(_, item)| filter.matches(item)).map(|(id, item)| (id.clone(), item.clone())).collect();
    entries.sort_by_key(|(id, item)| (std::cmp::Reverse(item.sent_at.get()), id.clone()));
    entries
}

fn filters() -> Vec<Filter> {
    let none = Filter::default();
    let some = |text: &str| Some(text.to_owned());
    vec![
        none.clone(),
        Filter { standalone: Some(true), ..none.clone() },
        Filter { standalone: Some(false), ..none.clone() },
        Filter { event_id: some("event1"), ..none.clone() },
        Filter { registration_id: some("registration3"), ..none.clone() },
        Filter { guest_id: some("guest5"), ..none.clone() },
        Filter { recipient_id: some("491704"), ..none.clone() },
        Filter { template_name: some("template2"), ..none.clone() },
        Filter { template_name: some("template2"), standalone: Some(true), ..none.clone() },
        Filter { event_id: some("event1"), guest_id: some("guest1"), recipient_id: some("491701"), ..none.clone() },
        Filter { status: Some(State::Read), ..none.clone() },
        Filter { status: Some(State::Sent), template_name: some("template1"), ..none.clone() },
        Filter { event_id: some("unknown"), ..none },
    ]
}

#[tokio::test]
async fn lists_are_complete_in_order_and_in_pages() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    let mut items: BTreeMap<String, Item> = BTreeMap::new();
    for update in updates((0..200).map(send)).take() {
        items.insert(update.message_id, update.item);
    }
    // A click on a message without a known send or status is not listed.
    let stray = Fact {
        table: "clicks".to_owned(),
        event_ts: BEGIN,
        message_id: Some("wamid.stray".to_owned()),
        kind: Some("quick_reply".to_owned()),
        ..Fact::default()
    };
    for update in updates([stray.clone()]).take() {
        items.insert(update.message_id, update.item);
    }
    store.apply(updates((0..200).map(send).chain([stray])).take()).await.unwrap();
    for filter in filters() {
        let (mut found, mut after): (Vec<Entry>, Option<Position>) = Default::default();
        loop {
            let page = store.list(&filter, after.as_ref(), 7).await.unwrap();
            let Some((id, item)) = page.last() else { break };
            let position = Position::of(id, item);
            assert_eq!(Position::from_cursor(&position.to_cursor()).as_ref(), Some(&position));
            after = Some(position);
            found.extend(page);
        }
        assert_eq!(found, expected(&items, &filter), "{filter:?}");
    }
}

#[tokio::test]
async fn many_writers_at_once_lose_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(directory.path()).unwrap());
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..400_u32 {
        let store = Arc::clone(&store);
        let status = if number.is_multiple_of(2) { "delivered" } else { "read" };
        let fact = Fact {
            table: "statuses".to_owned(),
            event_ts: BEGIN + 1_000 - i64::from(number),
            message_id: Some(format!("wamid.{}", number % 4 / 2)),
            status: Some(status.to_owned()),
            ..Fact::default()
        };
        tasks.spawn(async move { store.apply(updates([fact]).take()).await.map(|entries| entries.len()) });
    }
    while let Some(result) = tasks.join_next().await {
        assert_eq!(result.unwrap().unwrap(), 1);
    }
    let ids = ["wamid.0", "wamid.1", "wamid.unknown"].map(str::to_owned);
    let found: BTreeMap<String, Item> = store.get(&ids).await.unwrap().into_iter().collect();
    let times: Vec<_> = found.values().map(|item| (item.delivered_at.get(), item.read_at.get())).collect();
    let at = |number: i64| Some(BEGIN + 1_000 - number);
    assert_eq!(times, [(at(396), at(397)), (at(398), at(399))]);
}

#[tokio::test]
async fn what_was_applied_survives_and_what_is_removed_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let all = |store: SqliteStore| async move { store.list(&Filter::default(), None, 1_000).await.unwrap().len() };
    SqliteStore::open(directory.path()).unwrap().apply(updates((0..10).map(send)).take()).await.unwrap();
    assert_eq!(all(SqliteStore::open(directory.path()).unwrap()).await, 10);
    let store = SqliteStore::open(directory.path()).unwrap();
    let [(id, item)] = store.get(&["wamid.000".to_owned()]).await.unwrap().try_into().unwrap();
    let other = Item { first_fact_at: 1.into(), ..item.clone() };
    assert!(!store.replace(&id, &other, None).await.unwrap(), "it has changed meanwhile");
    assert!(!store.replace("wamid.unknown", &item, None).await.unwrap());
    assert!(store.replace(&id, &item, Some(other.clone())).await.unwrap());
    assert!(store.replace(&id, &other, None).await.unwrap());
    assert_eq!(all(store).await, 9);
    let store = SqliteStore::open(directory.path()).unwrap();
    store.clear().await.unwrap();
    assert_eq!(all(store).await, 0);
}

#[test]
fn a_file_of_another_version_or_kind_is_refused_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(
        directory.path().join("lookups.sqlite3"),
        "no database at all, but long enough to be read as one".repeat(20),
    )
    .unwrap();
    let error = SqliteStore::open(directory.path()).err().unwrap().to_string();
    assert!(error.contains("bluetick lookups rebuild"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn cursors_that_are_none_are_refused(text in "[0-9a-z]{0,12}") {
        if let Some(position) = Position::from_cursor(&text) {
            prop_assert_eq!(Position::from_cursor(&position.to_cursor()), Some(position));
        }
    }

    #[test]
    fn the_store_holds_what_merging_in_memory_gives(
        batches in prop::collection::vec(prop::collection::vec((0_u32..40, 0_i64..5, any::<bool>()), 1..8), 1..8),
    ) {
        let facts = |batch: &[(u32, i64, bool)]| batch.iter().map(|(number, time, is_status)| {
            let mut fact = send(*number);
            fact.event_ts += time * 1_000;
            if *is_status {
                (fact.table, fact.status) = ("statuses".to_owned(), Some("delivered".to_owned()));
            }
            fact
        }).collect::<Vec<_>>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(directory.path()).unwrap();
        let mut items: BTreeMap<String, Item> = BTreeMap::new();
        for batch in &batches {
            let applied = runtime.block_on(store.apply(updates(facts(batch)).take())).unwrap();
            for update in updates(facts(batch)).take() {
                items.entry(update.message_id).or_default().merge(update.item);
            }
            for (id, item) in applied {
                prop_assert_eq!(&items[&id], &item);
            }
        }
        let listed = runtime.block_on(store.list(&Filter::default(), None, 1_000)).unwrap();
        prop_assert_eq!(listed, expected(&items, &Filter::default()));
    }
}
