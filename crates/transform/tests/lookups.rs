//! Property: for any order, duplicates, crashes, store outages and erasures in a history, after the repair the
//! look-up store equals the lake for every message.
//!
//! The store is an in-memory map or a SQLite file, whose calls fail as planned: a call is rejected, applied with an
//! error, half applied, never answered, or the process crashes during it. The test controls the time. Two cases in
//! which lake and store may differ (docs/lookups.md) are left out: statements about one click that name different
//! messages, and a send without `sent_at` that is reported again where the later report is committed first.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bluetick_lake::{Environment, Lake, LakeOptions, Person, SystemEnvironment};
use bluetick_lookups::registers::Latest;
use bluetick_lookups::sqlite::SqliteStore;
use bluetick_lookups::{Entry, Filter, Item, LookupStore, Lookups, Merge, Position, StoreError, Update};
use bluetick_transform::batch::Transform;
use bluetick_transform::lookups;
use bluetick_transform::raw::Source;
use futures::future::BoxFuture;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use proptest::prelude::*;

/// 1 October 2026: the first event.
const FIRST_EVENT: i64 = 1_790_812_800_000;
/// 30 October 2026: the first webhook.
const BEGIN: i64 = 1_793_318_400_000;
const SECOND: i64 = 1_000;
const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;

/// Fault of one call to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// The call is rejected, for instance throttled or not allowed.
    Denied,
    /// The call is applied, but the response is lost.
    AnswerLost,
    /// Half of the call is applied.
    Half,
    /// The call never returns. Some of it may be applied.
    Hangs,
    /// The process crashes before the call is applied.
    DiesBefore,
    /// The process crashes after the call was applied.
    DiesAfter,
}

/// A store whose calls fail as planned; calls beyond the plan succeed.
struct PlannedStore {
    inner: Arc<dyn LookupStore>,
    plan: Mutex<VecDeque<Fault>>,
    /// Notified when the process crashes.
    death: tokio::sync::Notify,
}

impl PlannedStore {
    fn new(inner: Arc<dyn LookupStore>, plan: &[Fault]) -> Self {
        let plan = Mutex::new(plan.iter().copied().collect());
        Self { inner, plan, death: tokio::sync::Notify::new() }
    }

    async fn outcome<T>(&self, fault: Fault, value: T) -> Result<T, StoreError> {
        match fault {
            Fault::None => Ok(value),
            Fault::Hangs => std::future::pending().await,
            Fault::DiesBefore | Fault::DiesAfter => {
                self.death.notify_one();
                std::future::pending().await
            }
            Fault::Denied | Fault::AnswerLost | Fault::Half => Err(StoreError::unavailable("planned")),
        }
    }

    fn next_fault(&self) -> Fault {
        self.plan.lock().unwrap().pop_front().unwrap_or(Fault::None)
    }
}

/// All items of a store, including those without a known message. `last_fact_at` is left out, because no answer
/// depends on it: if a send without its own time is reported again, the lake only has the first receipt.
async fn items(store: &dyn LookupStore) -> BTreeMap<String, Item> {
    let ids: Vec<String> = (0..MESSAGES).map(message_id).collect();
    let found = store.get(&ids).await.unwrap().into_iter();
    found.map(|(id, item)| (id, Item { last_fact_at: Latest::default(), ..item })).collect()
}

/// An in-memory map as store.
#[derive(Default)]
struct MapStore(Mutex<BTreeMap<String, Item>>);

#[async_trait]
impl LookupStore for MapStore {
    async fn apply(&self, updates: Vec<Update>) -> Result<Vec<Entry>, StoreError> {
        let mut items = self.0.lock().unwrap();
        let merge = |update: Update| {
            let item = items.entry(update.message_id.clone()).or_default();
            item.merge(update.item);
            (update.message_id, item.clone())
        };
        Ok(updates.into_iter().map(merge).collect())
    }

    async fn get(&self, message_ids: &[String]) -> Result<Vec<Entry>, StoreError> {
        let items = self.0.lock().unwrap();
        Ok(message_ids.iter().filter_map(|id| Some((id.clone(), items.get(id)?.clone()))).collect())
    }

    async fn list(&self, filter: &Filter, after: Option<&Position>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let rank = |position: &Position| (std::cmp::Reverse(position.sent_at), position.message_id.clone());
        let items = self.0.lock().unwrap().clone();
        let mut found: Vec<Entry> = items.into_iter().filter(|(_, item)| filter.matches(item)).collect();
        found.sort_by_key(|(id, item)| rank(&Position::of(id, item)));
        found.retain(|(id, item)| after.is_none_or(|after| rank(&Position::of(id, item)) > rank(after)));
        found.truncate(limit);
        Ok(found)
    }

    async fn replace(&self, message_id: &str, before: &Item, after: Option<Item>) -> Result<bool, StoreError> {
        let mut items = self.0.lock().unwrap();
        if items.get(message_id) != Some(before) {
            return Ok(false);
        }
        match after {
            Some(item) => items.insert(message_id.to_owned(), item),
            None => items.remove(message_id),
        };
        Ok(true)
    }

    async fn clear(&self) -> Result<(), StoreError> {
        self.0.lock().unwrap().clear();
        Ok(())
    }
}

#[async_trait]
impl LookupStore for PlannedStore {
    async fn apply(&self, mut updates: Vec<Update>) -> Result<Vec<Entry>, StoreError> {
        let fault = self.next_fault();
        match fault {
            Fault::Denied | Fault::DiesBefore => updates.clear(),
            Fault::Half | Fault::Hangs => updates.truncate(updates.len() / 2),
            Fault::None | Fault::AnswerLost | Fault::DiesAfter => {}
        }
        let entries = self.inner.apply(updates).await?;
        self.outcome(fault, entries).await
    }

    async fn get(&self, message_ids: &[String]) -> Result<Vec<Entry>, StoreError> {
        self.inner.get(message_ids).await
    }

    async fn list(&self, filter: &Filter, after: Option<&Position>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.inner.list(filter, after, limit).await
    }

    async fn replace(&self, message_id: &str, before: &Item, after: Option<Item>) -> Result<bool, StoreError> {
        let fault = self.next_fault();
        let replaced = match fault {
            Fault::Denied | Fault::Half | Fault::Hangs | Fault::DiesBefore => false,
            Fault::None | Fault::AnswerLost | Fault::DiesAfter => self.inner.replace(message_id, before, after).await?,
        };
        self.outcome(fault, replaced).await
    }

    async fn clear(&self) -> Result<(), StoreError> {
        self.inner.clear().await
    }
}

/// A step of a history.
#[derive(Clone, Debug)]
enum Step {
    /// A webhook with these records. It may or may not reach the store within the time budget.
    Webhook(Vec<Told>),
    /// The content of an earlier webhook, received now from another source.
    Repeat(usize),
    /// The transform moves up to `most` of the pending objects, oldest or newest first.
    Transform { most: usize, newest_first: bool },
    /// A person is erased from the lake and the store.
    Erase(u8),
    /// The store is rebuilt from the lake while webhooks are in flight.
    Rebuild,
}

/// A statement about a message: what happened, when, and which of several possible contents a source reports.
#[derive(Clone, Debug)]
struct Told {
    message: u8,
    kind: u8,
    day: i64,
    seconds: i64,
    variant: u8,
}

const MESSAGES: u8 = 6;
const KINDS: u8 = 16;
const STATUSES: [&str; 7] = ["sent", "delivered", "read", "played", "deleted", "payment_captured", "warning"];

const CLICKS: [&str; 4] = ["quick_reply", "landing_page_view", "link_click", "button_reply"];
const REPLIES: [&str; 4] = ["text", "reaction", "image", "text"];

fn message_id(message: u8) -> String {
    format!("wamid.{message}")
}

/// The NDJSON line of a record. `in_order` means that records are committed in order of receipt, so that a send
/// without its own time may be reported again.
fn line(told: &Told, received_at: i64, in_order: bool) -> String {
    let Told { message, kind, day, seconds, variant } = *told;
    let at = FIRST_EVENT + day * DAY + i64::from(message) * MINUTE + seconds * 30 * SECOND;
    let either = |text: &str| (variant > 0).then(|| format!("{text}{variant}"));
    let id = message_id(message);
    let number = format!("49170{}", message % 3);
    let mut fields = serde_json::json!({
        "event_ts": at, "received_at": received_at, "provider": if variant == 1 { "woosh" } else { "meta" },
        "wa_id": (variant < 3).then_some(&number), "user_id": (variant == 3).then(|| format!("user{message}")), "message_id": id,
    });
    let own = match kind {
        0..=6 => serde_json::json!({
            "table": "statuses", "status": STATUSES[usize::from(kind)], "template_name": either("told"),
        }),
        7 => serde_json::json!({
            "table": "statuses", "status": "failed", "error_code": (variant != 2).then(|| 131_000 + i64::from(variant)),
            "error_title": either("why"), "error_message": (variant == 1).then_some("because"),
        }),
        // A status of a group message that names another person.
        8 => serde_json::json!({
            "table": "statuses", "status": "delivered", "group_id": "group", "participant": "491700", "wa_id": null,
        }),
        // A send, another statement of it, and corrections whose times are in another order than their receipts.
        9..=11 => serde_json::json!({
            "table": "sends", "sent_at": at, "template_name": either("template"), "standalone": variant.is_multiple_of(2),
            "event_id": either("event"), "guest_id": either("guest"), "guest_name": format!("Guest {variant} of {number}"),
            "event_registration_id": either("registration"), "message_type": either("type"),
            "updated_at": (kind == 11).then(|| at - seconds * MINUTE),
        }),
        // A send without a time of its own.
        12 if in_order => serde_json::json!({
            "table": "sends", "event_ts": received_at, "template_name": "untimed", "standalone": true,
        }),
        12 | 13 => serde_json::json!({
            "table": "clicks", "click_id": format!("{id}-{seconds}"), "button_text": "Yes",
            "kind": CLICKS[usize::from(variant)],
        }),
        // Interakt's two reports of one tap, up to two minutes apart.
        14 => serde_json::json!({
            "table": "clicks", "click_id": format!("tap-{id}-{variant}"), "kind": "quick_reply", "provider": "interakt",
            "source": if variant < 2 { "message_api_clicked" } else { "message_received" },
            "button_text": if variant == 3 { "YES" } else { "Yes" },
        }),
        _ => serde_json::json!({
            "table": "messages", "message_id": format!("in-{id}-{seconds}"), "context_message_id": id,
            "type": REPLIES[usize::from(variant)],
        }),
    };
    let fields = fields.as_object_mut().unwrap();
    fields.extend(own.as_object().unwrap().clone());
    fields.retain(|_, value| !value.is_null());
    format!("{}\n", serde_json::json!(fields))
}

fn told() -> impl Strategy<Value = Told> {
    let day = prop_oneof![3 => Just(0_i64), 1 => 0_i64..25];
    (0..MESSAGES, 0..KINDS, day, 0_i64..4, 0_u8..4).prop_map(|(message, kind, day, seconds, variant)| Told {
        message,
        kind,
        day,
        seconds,
        variant,
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => prop::collection::vec(told(), 1..5).prop_map(Step::Webhook),
        2 => (0_usize..50).prop_map(Step::Repeat),
        3 => (1_usize..8, any::<bool>()).prop_map(|(most, newest_first)| Step::Transform { most, newest_first }),
        1 => (0_u8..3).prop_map(Step::Erase),
        1 => Just(Step::Rebuild),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    let faults = vec![Fault::Denied, Fault::AnswerLost, Fault::Half, Fault::Hangs, Fault::DiesBefore, Fault::DiesAfter];
    prop_oneof![2 => Just(Fault::None), 3 => prop::sample::select(faults)]
}

/// The clock of a history, in milliseconds since 1970.
#[derive(Default)]
struct Clock(AtomicI64);

impl Environment for Clock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn random(&self) -> u128 {
        SystemEnvironment.random()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        SystemEnvironment.sleep(duration)
    }
}

/// A lake, a look-up store, and the raw objects.
struct World {
    lookups: Lookups,
    store: Arc<PlannedStore>,
    transform: Transform,
    raw: Arc<dyn ObjectStore>,
    webhooks: Vec<Vec<Told>>,
    done: BTreeSet<usize>,
    clock: Arc<Clock>,
    /// The object store of the lake.
    files: Arc<dyn ObjectStore>,
    in_order: bool,
}

impl World {
    fn new(inner: Arc<dyn LookupStore>, plan: &[Fault], in_order: bool) -> Self {
        let store = Arc::new(PlannedStore::new(inner, plan));
        let files: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let clock = Arc::new(Clock(AtomicI64::new(BEGIN)));
        let transform = Self::transform(&files, &clock, &store);
        let raw = Arc::new(InMemory::new());
        let lookups = Lookups::new(store.clone());
        Self { lookups, store, transform, raw, webhooks: Vec::new(), done: BTreeSet::new(), clock, files, in_order }
    }

    fn transform(files: &Arc<dyn ObjectStore>, clock: &Arc<Clock>, store: &Arc<PlannedStore>) -> Transform {
        let lake =
            Lake::with_store(files.clone(), "memory://lake", LakeOptions::default()).with_environment(clock.clone());
        Transform::new(lake, 1 << 20).with_lookups(Some(store.clone()))
    }

    /// Runs work that a crash of the process may interrupt. Returns `None` after a crash.
    async fn unless_it_dies<T>(store: &PlannedStore, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            result = work => Some(result),
            () = store.death.notified() => None,
        }
    }

    /// Stores the records first, then updates the look-up store.
    async fn webhook(&mut self, told: Vec<Told>, now: i64) {
        let lines: String = told.iter().map(|told| line(told, now, self.in_order)).collect();
        let path = Path::from(format!("{}", self.webhooks.len()));
        self.raw.put(&path, lines.clone().into_bytes().into()).await.unwrap();
        Self::unless_it_dies(&self.store, self.lookups.feed(lines.as_bytes())).await;
        self.webhooks.push(told);
    }

    async fn move_objects(&mut self, most: usize, newest_first: bool) {
        let mut numbers: Vec<usize> = (0..self.webhooks.len()).filter(|number| !self.done.contains(number)).collect();
        if newest_first && !self.in_order {
            numbers.reverse();
        }
        numbers.truncate(most);
        let source = |number: &usize| Source::stored(Arc::clone(&self.raw), Path::from(number.to_string()));
        let sources: Vec<Source> = numbers.iter().map(source).collect();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        let run = self.transform.run(&sources, Some(deadline), |_| {});
        let Some(report) = Self::unless_it_dies(&self.store, run).await else {
            self.transform = Self::transform(&self.files, &self.clock, &self.store);
            return;
        };
        let done = numbers.iter().enumerate().filter(|(index, _)| !report.failed.contains(index));
        self.done.extend(done.map(|(_, number)| *number));
    }

    async fn step(&mut self, step: &Step) {
        let now = self.clock.0.fetch_add(MINUTE, Ordering::Relaxed) + MINUTE;
        match step {
            Step::Webhook(told) => self.webhook(told.clone(), now).await,
            Step::Repeat(number) => {
                if let Some(told) = self.webhooks.get(*number).cloned() {
                    self.webhook(told, now).await;
                }
            }
            Step::Transform { most, newest_first } => self.move_objects(*most, *newest_first).await,
            Step::Erase(person) => self.erase(*person).await,
            Step::Rebuild => {
                // The operator repeats the rebuild until it succeeds.
                loop {
                    let rebuild = lookups::rebuild(self.transform.lake(), &*self.store);
                    if let Some(Ok(_)) = Self::unless_it_dies(&self.store, rebuild).await {
                        break;
                    }
                }
            }
        }
    }

    /// Does what `bluetick erase` does. After a fault the operator repeats it.
    async fn erase(&self, person: u8) {
        let (lake, person) = (self.transform.lake(), Person::WaId(format!("49170{person}")));
        let named = lookups::messages_naming(lake, &person).await.unwrap();
        lake.erase(&person).await.unwrap();
        loop {
            let erasing = lookups::erase(lake, &*self.store, &person, named.clone());
            if let Some(Ok(())) = Self::unless_it_dies(&self.store, erasing).await {
                return;
            }
        }
    }

    /// The items derived from the lake alone.
    async fn items_of_lake(&self) -> BTreeMap<String, Item> {
        let fresh = MapStore::default();
        lookups::rebuild(self.transform.lake(), &fresh).await.unwrap();
        items(&fresh).await
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(future)
}

/// Runs a history. Returns the store's items before and after the repair, and the items derived from the lake.
async fn run(
    inner: Arc<dyn LookupStore>,
    steps: &[Step],
    plan: &[Fault],
    in_order: bool,
) -> [BTreeMap<String, Item>; 3] {
    let mut world = World::new(inner, plan, in_order);
    for step in steps {
        world.step(step).await;
    }
    let before = items(&*world.store).await;
    // The repair: the store works again, and the transform continues.
    world.store.plan.lock().unwrap().clear();
    world.clock.0.fetch_add(DAY, Ordering::Relaxed);
    world.move_objects(usize::MAX, false).await;
    assert_eq!(world.done.len(), world.webhooks.len(), "without faults every object is done");
    [before, items(&*world.store).await, world.items_of_lake().await]
}

fn histories(default: u32) -> u32 {
    std::env::var("LOOKUPS_HISTORIES").ok().and_then(|count| count.parse().ok()).unwrap_or(default)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(histories(48)) })]

    #[test]
    fn after_the_repair_the_store_equals_the_lake(
        steps in prop::collection::vec(step(), 1..25),
        plan in prop::collection::vec(fault(), 0..30),
        in_order in any::<bool>(),
    ) {
        let [_, store, lake] = block_on(run(Arc::new(MapStore::default()), &steps, &plan, in_order));
        prop_assert_eq!(store, lake);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(histories(48) / 6) })]

    /// As above with a SQLite file in real time. No call hangs; after a crash the process opens the file again.
    #[test]
    fn after_the_repair_the_embedded_store_equals_the_lake(
        steps in prop::collection::vec(step(), 1..25),
        plan in prop::collection::vec(fault().prop_filter("takes time", |fault| *fault != Fault::Hangs), 0..30),
        in_order in any::<bool>(),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(directory.path()).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let [_, store, lake] = runtime.block_on(run(store, &steps, &plan, in_order));
        prop_assert_eq!(&store, &lake);
        let reopened = SqliteStore::open(directory.path()).unwrap();
        prop_assert_eq!(runtime.block_on(items(&reopened)), lake);
    }
}

fn told_once(kind: u8) -> Told {
    Told { message: 1, kind, day: 0, seconds: 1, variant: 1 }
}

fn one_webhook() -> Vec<Step> {
    vec![Step::Webhook(vec![told_once(9), told_once(2)])]
}

fn run_map(steps: &[Step], plan: &[Fault]) -> [BTreeMap<String, Item>; 3] {
    block_on(run(Arc::new(MapStore::default()), steps, plan, true))
}

/// A control: without the repair, an outage leaves the store behind the lake.
#[test]
fn without_the_repair_an_outage_would_show() {
    for fault in [Fault::Denied, Fault::Half, Fault::Hangs, Fault::DiesBefore] {
        let [before, store, lake] = run_map(&one_webhook(), &[fault]);
        assert_ne!(before, lake, "{fault:?}");
        assert_eq!(store, lake, "{fault:?}");
    }
}

/// A control: an outage during the transform. The objects are complete, so only the note in the lake brings the rows.
#[test]
fn what_the_transform_could_not_apply_comes_from_the_lake() {
    let all = Step::Transform { most: usize::MAX, newest_first: false };
    let steps = [one_webhook(), vec![all]].concat();
    let [before, store, lake] = run_map(&steps, &[Fault::Denied, Fault::Hangs]);
    assert_ne!(before, lake);
    assert_eq!((store, lake.len()), (lake.clone(), 1));
}

#[test]
fn without_faults_the_store_is_ahead_of_the_lake() {
    let [before, _, lake] = run_map(&one_webhook(), &[]);
    assert_eq!(before, lake);
    assert_eq!(lake.len(), 1);
}

/// Ingest's clock is slow by days: to ingest the event seems to be in the future. The transform commits it by its own
/// clock, and feeds it.
#[test]
fn an_event_that_ingest_takes_for_a_future_one_comes_with_its_commit() {
    block_on(async {
        let mut world = World::new(Arc::new(MapStore::default()), &[], true);
        world.webhook(vec![Told { day: 35, ..told_once(9) }], BEGIN).await;
        assert!(items(&*world.store).await.is_empty(), "ingest leaves it out");
        world.clock.0.fetch_add(10 * DAY, Ordering::Relaxed);
        world.move_objects(usize::MAX, false).await;
        let store = items(&*world.store).await;
        assert_eq!((store.len(), &store), (1, &world.items_of_lake().await));
    });
}

/// A control: without the transform's erasure check, an erased person's webhook in a raw object would restore the
/// person.
#[test]
fn an_erased_person_does_not_come_back() {
    let all = Step::Transform { most: usize::MAX, newest_first: false };
    let steps = [one_webhook(), vec![Step::Erase(1), all]].concat();
    let [_, store, lake] = run_map(&steps, &[]);
    assert_eq!((store.len(), lake.len()), (0, 0));
}

/// An erasure that removes a row which adds nothing to an item also removes the message from the store: here a
/// reaction, and a status of a payment, on messages whose statuses name another person.
#[test]
fn an_erased_persons_reaction_takes_its_message_along() {
    let status = Told { variant: 3, ..told_once(0) };
    let all = Step::Transform { most: usize::MAX, newest_first: false };
    for naming in [told_once(15), Told { variant: 0, ..told_once(5) }] {
        let steps = vec![Step::Webhook(vec![status.clone(), naming]), all.clone(), Step::Erase(1)];
        let [_, store, lake] = run_map(&steps, &[]);
        assert_eq!((store.len(), lake.len()), (0, 0));
    }
}
