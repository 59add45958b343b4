//! A writer's request to write a manifest is delayed for days, as by a proxy or a sleeping laptop, while the sweep
//! runs.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::support::rows::{self, BASE, DAY};
use crate::support::store::{Faults, FaultyStore};
use crate::support::{Virtual, finish, step};
use bluetick_lake::{Environment, Lake, LakeOptions, Person};
use object_store::{ObjectStore, ObjectStoreExt};

const HOUR_MS: i64 = 3_600_000;

fn lake(store: Arc<dyn ObjectStore>, clock: &Arc<Virtual>) -> Lake {
    let environment: Arc<dyn Environment> = Arc::<Virtual>::clone(clock);
    Lake::with_store(store, BASE, LakeOptions::default()).with_environment(environment)
}

/// Delays the write of a manifest by `hours`. Returns how often the sweeps changed the manifest.
fn hold(earlier: &[u32], hours: i64) -> u64 {
    let store = FaultyStore::new(7, Faults::default(), true);
    let clock = Virtual::new(DAY, 7);
    let writer = lake(Arc::new(store.clone()), &clock);
    for batch in rows::batches(earlier) {
        finish(writer.commit(&batch)).unwrap();
    }
    let batch = &rows::batches(&[3])[0];
    let mut commit: Pin<Box<dyn Future<Output = _>>> = Box::pin(writer.commit(batch));
    while !store.is_writing() {
        assert!(step(&mut commit).is_none());
    }
    // At this point the part is written, but the manifest is not.
    let sweeper = lake(Arc::new(store.inner().clone()), &clock);
    let mut fences = 0;
    for _ in 0..hours {
        clock.advance(HOUR_MS);
        fences += finish(sweeper.sweep(false)).unwrap().fenced_manifests;
    }
    let report = finish(commit).unwrap();
    assert_eq!((report.new, report.duplicates), (1, 0));
    assert_eq!(finish(sweeper.verify()).unwrap().problems, []);
    assert!(rows::all_events(store.inner()).contains(&3));
    fences
}

#[test]
fn a_write_that_is_held_for_days_harms_nothing() {
    assert_eq!(hold(&[0], 60), 1, "the manifest was changed before the part was deleted");
    assert_eq!(hold(&[0], 2), 0);
}

/// The partition has no manifest yet, so it only has the part of the delayed commit.
#[test]
fn the_first_write_of_a_partition_may_be_held_too() {
    assert_eq!(hold(&[], 60), 0);
}

/// Delays the first or a later write of a manifest while a person of the batch is erased. Returns the number of
/// remaining rows.
fn hold_during_erasure(earlier: &[u32]) -> u64 {
    let store = FaultyStore::new(7, Faults::default(), true);
    let clock = Virtual::new(DAY + HOUR_MS, 7);
    let writer = lake(Arc::new(store.clone()), &clock);
    for batch in rows::batches(earlier) {
        finish(writer.commit(&batch)).unwrap();
    }
    let batch = &rows::batches(&[3, 6])[0];
    let mut commit: Pin<Box<dyn Future<Output = _>>> = Box::pin(writer.commit(batch));
    while !store.is_writing() {
        assert!(step(&mut commit).is_none());
    }
    let other = lake(Arc::new(store.inner().clone()), &clock);
    let person = Person::WaId(rows::person(3));
    finish(other.erase(&person)).unwrap();
    clock.advance(HOUR_MS);
    assert_eq!(finish(other.sweep(false)).unwrap().confirmed_erasures, 1);
    let report = finish(commit).unwrap();
    assert_eq!((report.rows_in, report.erased), (2, 1));
    let verified = finish(other.verify()).unwrap();
    assert_eq!(verified.problems, []);
    assert!(!rows::all_events(store.inner()).contains(&3));
    verified.rows
}

/// The writer does not know of the erasure, and its write arrives after the erasure was confirmed.
#[test]
fn a_write_that_is_held_during_an_erasure_brings_nobody_back() {
    assert_eq!(hold_during_erasure(&[0]), 2);
    assert_eq!(hold_during_erasure(&[]), 1);
}

/// A delayed write publishes a part that a sweep has already recorded as unreferenced, and the next commit merges this
/// part into another. A query that reads the manifest in between needs the part for the whole grace period.
#[test]
fn a_part_that_was_published_late_and_replaced_stays_for_the_grace_period() {
    let store = FaultyStore::new(7, Faults::default(), true);
    let clock = Virtual::new(DAY, 7);
    let writer = lake(Arc::new(store.clone()), &clock);
    finish(writer.commit(&rows::batches(&[0])[0])).unwrap();
    let batch = &rows::batches(&[3])[0];
    let mut commit: Pin<Box<dyn Future<Output = _>>> = Box::pin(writer.commit(batch));
    while !store.is_writing() {
        assert!(step(&mut commit).is_none());
    }
    let other = lake(Arc::new(store.inner().clone()), &clock);
    // The part is recorded, and 23 hours pass. Then the write takes effect.
    clock.advance(HOUR_MS);
    finish(other.sweep(false)).unwrap();
    clock.advance(23 * HOUR_MS);
    finish(commit).unwrap();
    let manifest = rows::manifest_path(rows::folder(3));
    let read = |path| finish(store.inner().get(path)).and_then(|got| finish(got.bytes()));
    let text = read(&manifest).unwrap();
    let query = rows::referenced(std::str::from_utf8(&text).unwrap());
    // The part is merged into another one before any sweep has seen it referenced.
    finish(other.commit(&rows::batches(&[6])[0])).unwrap();
    assert_ne!(read(&manifest).unwrap(), text);
    let mut sweeps = 0;
    loop {
        clock.advance(2 * HOUR_MS);
        let deleted = finish(other.sweep(false)).unwrap().deleted;
        sweeps += 1;
        if query.iter().any(|part| deleted.contains(&part.to_string())) {
            break;
        }
        assert!(query.iter().all(|part| read(part).is_ok()));
        assert!(sweeps < 100, "the part is never deleted");
    }
    assert!(sweeps > 12, "a part was deleted {sweeps} sweeps, two hours apart, after a query could read it");
    assert_eq!(finish(other.verify()).unwrap().problems, []);
}
