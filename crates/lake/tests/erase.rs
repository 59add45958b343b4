//! Erasure: the person's rows go, in every table; nothing brings them back; everybody else stays.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bluetick_lake::{Environment, Fault, Lake, LakeOptions, Person, Staging};
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use support::rows::DAY;
use support::store::{Faults, FaultyStore};
use support::{Virtual, finish, step};

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
    // The part of the second day held nobody else: its manifest is empty now.
    assert_eq!((report.rows_removed, report.partitions.len(), report.settled), (6, 6, false));
    assert_eq!(report.superseded_parts.len(), 6);
    assert!(report.held.iter().any(|held| held.what == "superseded_parts" && held.until_ms.is_some()));
    assert_eq!(lake.verify().await.unwrap().rows, 6);

    assert_eq!(commit(&lake, &lines()).await, (0, 6), "a replay brings nobody back");
    let later = line("clicks", 500, clock.now_ms() + HOUR_MS, &format!(r#""wa_id":"{NUMBER}""#));
    assert_eq!(commit(&lake, &[later]).await, (1, 0), "who writes again is a new contact");

    clock.advance(HOUR_MS);
    assert_eq!(lake.sweep(clock.now_ms(), false).await.unwrap().settled_erasures, 1);
    assert_eq!(lake.sweep(clock.now_ms(), false).await.unwrap().settled_erasures, 0);
    clock.advance(25 * HOUR_MS);
    let planned = lake.sweep(clock.now_ms(), true).await.unwrap();
    let swept = lake.sweep(clock.now_ms(), false).await.unwrap();
    assert_eq!((swept.deleted.len(), &planned.deleted), (6, &swept.deleted));

    // Then no object of the lake holds the number, except the new contact's.
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
async fn a_second_call_after_the_deadline_settles() {
    let (_, clock, lake) = world(None);
    let person = Person::WaId(NUMBER.to_owned());
    let first = lake.erase(&person).await.unwrap();
    assert!(!lake.erase(&person).await.unwrap().settled);
    clock.advance(first.settles_at_ms - clock.now_ms() + 1);
    let second = lake.erase(&person).await.unwrap();
    assert_eq!((second.settled, second.settles_at_ms), (true, first.settles_at_ms));
}

/// A request may be stopped before it has written its entry. Writers do not know of the entry until then, so the time
/// after which it settles must not have begun.
#[test]
fn a_stalled_request_counts_from_when_its_entry_was_written() {
    let store = FaultyStore::new(7, Faults::default(), true);
    let clock = Virtual::new(DAY, 7);
    let shared: Arc<dyn ObjectStore> = Arc::new(store.clone());
    let lake = Lake::with_store(shared, "memory://test", LakeOptions::default()).with_environment(clock.clone());
    let person = Person::WaId(NUMBER.to_owned());
    let written = async || {
        let list = store.inner().get(&Path::from("erasures/list.json")).await.ok()?.bytes().await.unwrap();
        serde_json::from_slice::<serde_json::Value>(&list).unwrap()["entries"][0]["until_ms"].as_i64()
    };
    let (mut stops, mut entry_ms) = (0, None);
    let mut erasing: Pin<Box<dyn Future<Output = _>>> = Box::pin(lake.erase(&person));
    while step(&mut erasing).is_none() {
        if entry_ms.is_none() {
            entry_ms = finish(written()).map(|until_ms| (until_ms, clock.now_ms()));
        }
        // A request that is on its way arrives within moments; only between requests does the machine sleep.
        if !store.is_writing() {
            clock.advance(HOUR_MS);
            stops += 1;
        }
    }
    let (until_ms, now_ms) = entry_ms.unwrap();
    assert!(stops > 5 && now_ms > DAY + 2 * HOUR_MS, "it was stopped before and after");
    assert_eq!(until_ms, now_ms);
}

/// A list that was hashed with another secret matches nobody; to go on would bring everybody back.
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
