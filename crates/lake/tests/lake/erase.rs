//! Erasure: a person's rows are removed from every table and never return; all other rows stay.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::support::rows::DAY;
use crate::support::store::{Faults, FaultyStore};
use crate::support::{Virtual, finish, step};
use bluetick_lake::{
    Column, ColumnType, Environment, ErasureState, Fault, Invariant, Lake, LakeOptions, Person, Staging, Table,
};
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

const NUMBER: &str = "491701234567";
const HOUR_MS: i64 = 3_600_000;

fn line(table: &str, id: u32, time: i64, person: &str) -> String {
    format!(
        r#"{{"table":"{table}","event_ts":{time},"provider":"meta","received_at":{time},"click_id":"{id}","message_id":"{id}","event_id":"{id}","status":"read","kind":"k",{person}}}"#
    )
}

fn lines() -> Vec<String> {
    let mut lines = Vec::new();
    for (id, table) in ["clicks", "statuses", "sends", "messages", "account_events"].into_iter().enumerate() {
        let id = id as u32 * 10;
        lines.push(line(table, id, DAY, &format!(r#""wa_id":"{NUMBER}""#)));
        lines.push(line(table, id + 1, DAY, r#""wa_id":"491709999999""#));
    }
    lines.push(line("account_events", 90, DAY + 24 * HOUR_MS, &format!(r#""payload":"{{\"from\":\"{NUMBER}\"}}""#)));
    lines.push(line("account_events", 91, DAY, r#""payload":"{\"from\":\"491709999999\"}""#));
    lines
}

async fn commit(lake: &Lake, lines: &[String]) -> (u64, u64) {
    let mut staging = Staging::new();
    lines.iter().for_each(|line| staging.push_line(line.as_bytes()).unwrap());
    let (mut new, mut erased) = (0, 0);
    for batch in staging.drain().unwrap() {
        let report = lake.commit(&batch).await.unwrap();
        new += report.new;
        erased += report.erased;
    }
    (new, erased)
}

fn world(erasure_key: Option<&str>) -> (Arc<InMemory>, Arc<Virtual>, Lake) {
    let store = Arc::new(InMemory::new());
    let clock = Virtual::new(DAY + 48 * HOUR_MS, 7);
    let options = LakeOptions { erasure_key: erasure_key.map(str::to_owned), ..LakeOptions::default() };
    let shared: Arc<dyn ObjectStore> = Arc::<InMemory>::clone(&store);
    let lake = Lake::with_store(shared, "memory://test", options).with_environment(clock.clone());
    (store, clock, lake)
}

#[tokio::test]
async fn an_erased_person_stays_away() {
    let (store, clock, lake) = world(None);
    assert_eq!(commit(&lake, &lines()).await, (12, 0));
    let person = Person::WaId("+49 170 1234567".to_owned());
    let report = lake.erase(&person).await.unwrap();
    // The part of the second day contained only this person's rows: its manifest now lists a part without rows.
    assert_eq!((report.rows_removed, report.partitions.len()), (6, 6));
    assert_eq!(report.superseded_parts.len(), 6);
    assert!(report.remaining_copies.iter().any(|copy| copy.place == "superseded_parts" && copy.until_ms.is_some()));
    assert_eq!(lake.verify().await.unwrap().rows, 6);

    assert_eq!(commit(&lake, &lines()).await, (0, 6), "a replay must not restore erased rows");
    let later = line("clicks", 500, clock.now_ms() + HOUR_MS, &format!(r#""wa_id":"{NUMBER}""#));
    assert_eq!(commit(&lake, &[later]).await, (1, 0), "who writes again is a new contact");

    clock.advance(HOUR_MS);
    assert_eq!(lake.sweep(false).await.unwrap().confirmed_erasures, 1);
    assert_eq!(lake.sweep(false).await.unwrap().confirmed_erasures, 0);
    clock.advance(25 * HOUR_MS);
    let planned = lake.sweep(true).await.unwrap();
    let swept = lake.sweep(false).await.unwrap();
    assert_eq!((swept.deleted.len(), &planned.deleted), (6, &swept.deleted));

    // Afterwards no object of the lake contains the number, except those of the new contact.
    for meta in store.list(None).try_collect::<Vec<_>>().await.unwrap() {
        let bytes = store.get(&meta.location).await.unwrap().bytes().await.unwrap();
        let found = bytes.windows(NUMBER.len()).any(|window| window == NUMBER.as_bytes());
        assert!(
            !found || meta.location.as_ref().contains("clicks/dt=2026-11-22"),
            "{} holds the number",
            meta.location
        );
    }
}

#[tokio::test]
async fn pseudonyms_and_user_ids_are_erased_as_they_are() {
    let (_, _, lake) = world(Some("the operator's secret"));
    let hash = "0f".repeat(32);
    commit(
        &lake,
        &[
            line("clicks", 1, DAY, &format!(r#""wa_id":"{hash}""#)),
            line("clicks", 2, DAY, r#""user_id":"DE.17""#),
            line("clicks", 3, DAY, r#""user_id":"DE.18""#),
        ],
    )
    .await;
    assert_eq!(lake.erase(&Person::WaId(hash.to_uppercase())).await.unwrap().rows_removed, 1);
    assert_eq!(lake.erase(&Person::UserId("DE.17".to_owned())).await.unwrap().rows_removed, 1);
    assert_eq!(lake.verify().await.unwrap().rows, 1);
    assert_eq!(lake.erasures().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_sweep_after_the_deadline_settles() {
    let (_, clock, lake) = world(None);
    let person = Person::WaId(NUMBER.to_owned());
    assert_eq!(lake.erasure(&person).await.unwrap(), None);
    let report = lake.erase(&person).await.unwrap();
    let asked =
        ErasureState { until_ms: clock.now_ms(), confirm_after_ms: Some(report.confirm_after_ms), confirmed: false };
    clock.advance(report.confirm_after_ms - clock.now_ms());
    assert_eq!(lake.sweep(false).await.unwrap().confirmed_erasures, 0);
    assert_eq!(lake.erasure(&person).await.unwrap(), Some(asked));
    clock.advance(1);
    assert_eq!(lake.sweep(false).await.unwrap().confirmed_erasures, 1);
    assert_eq!(lake.erasure(&person).await.unwrap(), Some(ErasureState { confirmed: true, ..asked }));
    assert_eq!(lake.erasure(&Person::UserId("somebody else".to_owned())).await.unwrap(), None);
}

/// Each request covers all rows from before it, however soon it follows another request.
#[tokio::test]
async fn a_second_request_forgets_what_came_since_the_first() {
    for (until_second, sweeps) in [(5 * 60_000, 0), (5 * 60_000, 30), (180 * 24 * HOUR_MS, 0), (180 * 24 * HOUR_MS, 30)]
    {
        let (_, clock, lake) = world(None);
        let person = Person::WaId(NUMBER.to_owned());
        let click = |id, time| line("clicks", id, time, &format!(r#""wa_id":"{NUMBER}""#));
        commit(&lake, &[click(1, DAY)]).await;
        assert_eq!(lake.erase(&person).await.unwrap().rows_removed, 1);
        clock.advance(until_second);
        let meanwhile = clock.now_ms() - 1000;
        assert_eq!(commit(&lake, &[click(1, DAY), click(2, meanwhile)]).await, (1, 1));
        assert_eq!(lake.erase(&person).await.unwrap().rows_removed, 1);
        for _ in 0..sweeps {
            clock.advance(HOUR_MS);
            lake.sweep(false).await.unwrap();
        }
        assert_eq!(lake.erasure(&person).await.unwrap().unwrap().confirmed, sweeps > 0);
        assert_eq!(commit(&lake, &[click(1, DAY), click(2, meanwhile)]).await, (0, 2));
        assert_eq!(lake.verify().await.unwrap().rows, 0);
    }
}

/// Restored older manifests reference parts from before an erasure.
#[tokio::test]
async fn a_restored_manifest_is_found_and_cleaned_again() {
    let (store, clock, lake) = world(None);
    let others = line("clicks", 2, DAY, r#""wa_id":"491709999999""#);
    commit(&lake, &[line("clicks", 1, DAY, &format!(r#""wa_id":"{NUMBER}""#)), others]).await;
    let path = Path::from("manifest/clicks/dt=2026-11-20/symlink.txt");
    let old = store.get(&path).await.unwrap().bytes().await.unwrap();
    lake.erase(&Person::WaId(NUMBER.to_owned())).await.unwrap();
    clock.advance(HOUR_MS);
    assert_eq!(lake.sweep(false).await.unwrap().confirmed_erasures, 1);
    assert_eq!(lake.verify().await.unwrap().problems, []);

    store.put(&path, old.into()).await.unwrap();
    let problems = lake.verify().await.unwrap().problems;
    assert_eq!(problems.iter().map(|problem| problem.invariant).collect::<Vec<_>>(), [Invariant::ErasedRowsAreAbsent]);
    assert_eq!(lake.erase_again().await.unwrap(), 1);
    let verified = lake.verify().await.unwrap();
    assert_eq!((verified.problems, verified.rows), (Vec::new(), 1));
}

/// Any value that a column holds as a phone number can be erased, even if it is shorter or longer than E.164 allows.
#[tokio::test]
async fn odd_numbers_are_erased() {
    let (_, _, lake) = world(None);
    for (id, number) in ["123456", "12345678901234567890"].into_iter().enumerate() {
        commit(&lake, &[line("clicks", id as u32, DAY, &format!(r#""wa_id":"{number}""#))]).await;
        assert_eq!(lake.erase(&Person::WaId(number.to_owned())).await.unwrap().rows_removed, 1);
    }
}

/// A request may be suspended at any step for any time. Writers learn of the entry only once it is in the list, so
/// the delay before confirmation must not start earlier.
#[test]
fn a_stalled_request_counts_from_when_its_entry_was_seen() {
    let store = FaultyStore::new(7, Faults::default(), true);
    let clock = Virtual::new(DAY, 7);
    let shared: Arc<dyn ObjectStore> = Arc::new(store.clone());
    let lake = Lake::with_store(shared, "memory://test", LakeOptions::default()).with_environment(clock.clone());
    let person = Person::WaId(NUMBER.to_owned());
    let unfailing: Arc<dyn ObjectStore> = Arc::new(store.inner().clone());
    let onlooker = Lake::with_store(unfailing, "memory://test", LakeOptions::default());
    let (mut stops, mut written_ms) = (0, None);
    let mut erasing: Pin<Box<dyn Future<Output = _>>> = Box::pin(lake.erase(&person));
    let report = loop {
        if let Some(report) = step(&mut erasing) {
            break report.unwrap();
        }
        if written_ms.is_none() && finish(onlooker.erasure(&person)).unwrap().is_some() {
            written_ms = Some(clock.now_ms());
        }
        // The machine is also suspended while the request is in flight.
        clock.advance(HOUR_MS);
        stops += 1;
    };
    let written_ms = written_ms.unwrap();
    assert!(stops > 10 && written_ms > DAY + 2 * HOUR_MS, "it was stopped before and after");
    let state = finish(onlooker.erasure(&person)).unwrap().unwrap();
    assert_eq!((state.until_ms, state.confirm_after_ms), (DAY, Some(report.confirm_after_ms)));
    let confirmation_delay_ms = 2 * LakeOptions::default().publish_deadline.as_millis() as i64;
    assert!(report.confirm_after_ms >= written_ms + confirmation_delay_ms);
}

/// A list that was hashed with another secret matches no person: a commit would restore all erased rows.
#[tokio::test]
async fn another_secret_is_refused() {
    let (store, clock, lake) = world(Some("one"));
    lake.erase(&Person::WaId(NUMBER.to_owned())).await.unwrap();
    let options = LakeOptions {
        erasure_key: Some("two".to_owned()),
        publish_deadline: Duration::from_secs(1),
        ..LakeOptions::default()
    };
    let shared: Arc<dyn ObjectStore> = Arc::<InMemory>::clone(&store);
    let other = Lake::with_store(shared, "memory://test", options).with_environment(clock);
    let mut staging = Staging::new();
    staging.push_line(lines()[0].as_bytes()).unwrap();
    let error = other.commit(&staging.drain().unwrap()[0]).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Fatal);
    let error = other.erase(&Person::WaId("nobody".to_owned())).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Caller);
    assert!(!format!("{error}").contains("nobody"));
}

/// Spellings of the number that occur in webhooks, in data of businesses and in Meta's message ids.
const SPELLINGS: [&str; 9] = [
    "491701234567",
    "+491701234567",
    "+49 170 1234567",
    "0049 170-123 45 67",
    "call (49) 170.1234567 now",
    "491701234567:12@s.whatsapp.net",
    "https://example.com/?to=%2B49%20170%201234567&x=1",
    "wamid.HBgMNDkxNzAxMjM0NTY3FQIAERgSQjYxRjk5RDBFMkJDQkY5NEY4AA==",
    "https://example.com/wamid.HBgMNDkxNzAxMjM0NTY3FQIAERgSQjYxRjk5RDBFMkJDQkY5NEY4AA%3D%3D/x",
];

/// Values of a column that contain the text; none if the column holds no texts.
fn values_with(kind: ColumnType, text: &str) -> Vec<String> {
    match kind {
        ColumnType::String => vec![format!("{text:?}")],
        ColumnType::StringList => vec![format!("[\"a\",{text:?}]")],
        ColumnType::StringMap => {
            vec![format!("{{\"a\":{text:?},\"b\":\"c\"}}"), format!("{{\"a\":\"b\",{text:?}:\"c\"}}")]
        }
        ColumnType::Timestamp | ColumnType::BigInt | ColumnType::Boolean => Vec::new(),
    }
}

/// Puts the number into each text column of each table in each spelling, and nowhere else in the row.
#[tokio::test]
async fn no_column_and_no_spelling_hides_a_number() {
    let (store, clock, lake) = world(None);
    let (mut lines, mut planted) = (Vec::new(), 0);
    for table in Table::ALL {
        for column in table.columns() {
            let values = SPELLINGS.iter().flat_map(|spelling| values_with(column.kind, spelling));
            for value in values {
                planted += 1;
                let other = |other: &Column| match other.name {
                    _ if other.name == column.name => Some(value.clone()),
                    "event_ts" | "received_at" => Some(DAY.to_string()),
                    _ if other.required => Some(format!("\"{planted}\"")),
                    _ => None,
                };
                let columns = table.columns().iter().filter_map(|column| Some((column.name, other(column)?)));
                let columns: Vec<_> = columns.map(|(name, value)| format!("\"{name}\":{value}")).collect();
                lines.push(format!(r#"{{"table":"{table}",{}}}"#, columns.join(",")));
            }
        }
        lines.push(line(table.name(), 1_000_000, DAY, r#""wa_id":"491709999999""#));
    }
    assert!(planted > 600, "{planted}");
    let (rows, others) = (lines.len() as u64, Table::ALL.len() as u64);
    // Some rows have equal keys: the number is the key, and the spelling is the same.
    let (new, _) = commit(&lake, &lines).await;
    assert_eq!(new, rows);
    let report = lake.erase(&Person::WaId(NUMBER.to_owned())).await.unwrap();
    assert_eq!(report.rows_removed, planted);
    assert_eq!(commit(&lake, &lines).await, (0, planted), "a replay re-inserts nothing");
    // The first sweep records the parts and changes the manifests to confirm the erasure, the second sees the change.
    for hours in [1, 1, 25] {
        clock.advance(hours * HOUR_MS);
        lake.sweep(false).await.unwrap();
    }
    let verified = lake.verify().await.unwrap();
    assert_eq!((verified.problems, verified.rows), (Vec::new(), others));
    let parts = store.list(Some(&Path::from("data"))).try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(parts.len() as u64, verified.parts, "no superseded part is left");
}

/// A status of an erased message does not mean that the person wrote again, whatever its time and whether or not it
/// contains the number.
#[tokio::test]
async fn a_late_receipt_of_an_erased_message_stays_out() {
    let (_, clock, lake) = world(None);
    let person = format!(r#""wa_id":"{NUMBER}""#);
    commit(&lake, &[line("sends", 7, DAY, &person), line("statuses", 7, DAY, r#""user_id":"u.1""#)]).await;
    // The status that is already in the lake does not contain the number, but refers to the same message.
    assert_eq!(lake.erase(&Person::WaId(NUMBER.to_owned())).await.unwrap().rows_removed, 2);
    let later = clock.now_ms() + 10 * HOUR_MS;
    let receipts = [line("statuses", 7, later, &person), line("statuses", 7, later + 1, r#""user_id":"u.1""#)];
    assert_eq!(commit(&lake, &receipts).await, (0, 2));
    let again =
        [line("messages", 8, later, &person), line("sends", 9, later, &person), line("statuses", 9, later, &person)];
    assert_eq!(commit(&lake, &again).await, (3, 0), "a person who writes again is a new contact");
    // A second request also erases the new contact, and still covers the message of the first request.
    clock.advance(11 * HOUR_MS);
    assert_eq!(lake.erase(&Person::WaId(NUMBER.to_owned())).await.unwrap().rows_removed, 3);
    let late = clock.now_ms() + HOUR_MS;
    assert_eq!(commit(&lake, &[line("statuses", 7, late, &person), line("statuses", 9, late, &person)]).await, (0, 2));
}

/// A request made under a clock ten years ahead covers ten years of the future, until it is repeated under the right
/// clock.
#[tokio::test]
async fn a_request_under_a_wrong_clock_is_corrected_by_the_next() {
    let (_, clock, lake) = world(None);
    let person = Person::WaId(NUMBER.to_owned());
    let ten_years_ms = 10 * 365 * 24 * HOUR_MS;
    clock.advance(ten_years_ms);
    lake.erase(&person).await.unwrap();
    clock.advance(-ten_years_ms);
    let click = line("clicks", 1, clock.now_ms() + HOUR_MS, &format!(r#""wa_id":"{NUMBER}""#));
    assert_eq!(commit(&lake, std::slice::from_ref(&click)).await, (0, 1));
    lake.erase(&person).await.unwrap();
    assert_eq!(lake.erasure(&person).await.unwrap().unwrap().until_ms, clock.now_ms());
    assert_eq!(commit(&lake, &[click]).await, (1, 0));
}

/// The erasing machine's clock is two days slow: rows that are in the lake are removed, and replaying them does not
/// restore them.
#[tokio::test]
async fn a_request_under_a_slow_clock_covers_what_the_lake_has() {
    let (_, clock, lake) = world(None);
    let person = format!(r#""wa_id":"{NUMBER}""#);
    let seen = [line("clicks", 1, clock.now_ms(), &person), line("messages", 2, clock.now_ms() - 1, &person)];
    commit(&lake, &seen).await;
    clock.advance(-48 * HOUR_MS);
    for removed in [2, 0] {
        // Repeating the request under the same clock keeps everything that the first request recorded.
        assert_eq!(lake.erase(&Person::WaId(NUMBER.to_owned())).await.unwrap().rows_removed, removed);
        assert_eq!(commit(&lake, &seen).await, (0, 2));
        clock.advance(-HOUR_MS);
    }
    let later = line("clicks", 3, clock.now_ms() + 72 * HOUR_MS, &person);
    assert_eq!(commit(&lake, &[later]).await, (1, 0), "a new contact");
}

/// Ingest's clock is two days slow: the rows of a person who writes again seem to be from before the request.
#[tokio::test]
async fn a_new_contact_under_a_slow_clock_of_ingest_is_kept() {
    let (_, clock, lake) = world(None);
    lake.erase(&Person::WaId(NUMBER.to_owned())).await.unwrap();
    let (old, new) = (clock.now_ms() - HOUR_MS, clock.now_ms() + HOUR_MS);
    clock.advance(2 * HOUR_MS);
    let mut staging = Staging::new();
    for (id, time) in [(1, old), (2, new)] {
        let line = line("clicks", id, time, &format!(r#""wa_id":"{NUMBER}""#));
        let slow = format!(r#""received_at":{},"received_at_doubtful":true"#, time - 48 * HOUR_MS);
        let line = line.replace(&format!(r#""received_at":{time}"#), &slow);
        staging.push_line_at(line.as_bytes(), clock.now_ms()).unwrap();
    }
    let mut counts = (0, 0);
    for batch in staging.drain().unwrap() {
        let report = lake.commit(&batch).await.unwrap();
        counts = (counts.0 + report.new, counts.1 + report.erased);
    }
    assert_eq!(counts, (1, 1));
}

/// The clock is set back at any step of a commit: each row is in the lake exactly once.
#[test]
fn a_clock_that_is_set_back_loses_no_row() {
    let mut steps = 1;
    for stop in 0.. {
        if stop >= steps {
            break;
        }
        let store = FaultyStore::new(7, Faults::default(), true);
        let clock = Virtual::new(DAY + 24 * HOUR_MS, 7);
        let shared: Arc<dyn ObjectStore> = Arc::new(store.clone());
        let lake = Lake::with_store(shared, "memory://test", LakeOptions::default()).with_environment(clock.clone());
        finish(commit(&lake, &lines()[..4]));
        let all = lines();
        let mut committing: Pin<Box<dyn Future<Output = _>>> = Box::pin(commit(&lake, &all));
        let mut taken = 0;
        let (new, _) = loop {
            if taken == stop {
                clock.advance(-5 * 24 * HOUR_MS);
            }
            taken += 1;
            if let Some(committed) = step(&mut committing) {
                break committed;
            }
        };
        steps = steps.max(taken);
        finish(lake.sweep(false)).unwrap();
        clock.advance(10 * 24 * HOUR_MS);
        finish(lake.sweep(false)).unwrap();
        let verified = finish(lake.verify()).unwrap();
        assert_eq!((new, verified.rows, verified.problems), (8, 12, Vec::new()), "set back before step {stop}");
    }
    assert!(steps > 50, "{steps}");
}
