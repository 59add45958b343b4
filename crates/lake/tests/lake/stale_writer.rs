//! A writer whose write of a manifest is held for days, as a proxy or a sleeping laptop holds it, while the sweep runs.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::support::rows::{self, BASE, DAY};
use crate::support::store::{Faults, FaultyStore};
use crate::support::{Virtual, finish, step};
use bluetick_lake::{Environment, Lake, LakeOptions};
use object_store::ObjectStore;

const HOUR_MS: i64 = 3_600_000;

fn lake(store: Arc<dyn ObjectStore>, clock: &Arc<Virtual>) -> Lake {
    let environment: Arc<dyn Environment> = Arc::<Virtual>::clone(clock);
    Lake::with_store(store, BASE, LakeOptions::default()).with_environment(environment)
}

/// Holds the write of a manifest for `hours`; returns how often the sweeps changed the manifest.
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
    // The part is written, the manifest is not.
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

/// The partition has no manifest yet, so the part of the held commit is the only one.
#[test]
fn the_first_write_of_a_partition_may_be_held_too() {
    assert_eq!(hold(&[], 60), 0);
}
