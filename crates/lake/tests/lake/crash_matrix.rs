//! Commits one batch to three partitions and stops the process after every single step of every store call. At each
//! step a reader sees either the old or the new rows of a partition. After a restart the rows equal those of an
//! undisturbed run.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::support::rows::{self, BASE, DAY, Event, Snapshots};
use crate::support::store::{Faults, FaultyStore};
use crate::support::{Virtual, finish, step};
use bluetick_lake::{Lake, LakeError, LakeOptions};

const OLD: std::ops::Range<Event> = 0..9;
const NEW: std::ops::Range<Event> = 3..24;

fn lake(store: &FaultyStore, seed: u64) -> Lake {
    let options = LakeOptions { row_group_rows: 4, zstd_level: 0, small_part_bytes: 0, ..LakeOptions::default() };
    let clock = Virtual::new(DAY + 86_400_000, seed);
    Lake::with_store(Arc::new(store.clone()), BASE, options).with_environment(clock)
}

#[derive(Clone, Copy, Debug)]
enum Way {
    /// One partition after the other, which gives the most distinct states.
    InTurn,
    /// All partitions concurrently, as the transform does.
    SideBySide,
}

async fn commit(lake: Lake, events: Vec<Event>, way: Way) -> Result<(), LakeError> {
    let batches = rows::batches(&events);
    assert_eq!(batches.len(), 3);
    match way {
        Way::InTurn => {
            for batch in &batches {
                lake.commit(batch).await?;
            }
            Ok(())
        }
        Way::SideBySide => {
            futures::future::try_join_all(batches.iter().map(|batch| lake.commit(batch))).await.map(|_| ())
        }
    }
}

/// A store that contains the old rows.
fn prepared() -> FaultyStore {
    let store = FaultyStore::new(1, Faults::default(), true);
    finish(commit(lake(&store, 1), OLD.collect(), Way::InTurn)).unwrap();
    store
}

fn by_folder(events: impl Iterator<Item = Event>) -> BTreeMap<&'static str, BTreeSet<Event>> {
    let mut folders: BTreeMap<_, BTreeSet<Event>> = BTreeMap::new();
    events.for_each(|event| _ = folders.entry(rows::folder(event)).or_default().insert(event));
    folders
}

#[test]
fn stopping_anywhere_changes_nothing() {
    // For each of three partitions, the erasures, the manifest and a part are read, and a part and the manifest are
    // written; the process can stop before and after each call.
    assert!(stop_everywhere(Way::InTurn) >= 30);
}

#[test]
fn stopping_anywhere_side_by_side_changes_nothing() {
    assert!(stop_everywhere(Way::SideBySide) > 8);
}

/// Stops after one step, after two, and so on to the end. Returns the number of stops.
fn stop_everywhere(way: Way) -> usize {
    let (old, whole) = (by_folder(OLD), by_folder(OLD.chain(NEW)));
    let mut stops = 0;
    let calls;
    loop {
        let store = prepared();
        let before = store.calls();
        let mut snapshots = Snapshots::default();
        let mut task: Pin<Box<dyn Future<Output = _>>> = Box::pin(commit(lake(&store, 2), NEW.collect(), way));
        let mut done = None;
        for _ in 0..stops {
            done = step(&mut task);
            let state = snapshots.read(store.inner()).unwrap();
            for folder in rows::FOLDERS {
                let shown = &state[folder];
                assert!(
                    *shown == old[folder] || *shown == whole[folder],
                    "{folder} shows {shown:?} after {stops} steps"
                );
            }
        }
        drop(task);
        let made = store.calls() - before;
        finish(commit(lake(&store, 3), NEW.collect(), way)).unwrap();
        assert_eq!(snapshots.read(store.inner()).unwrap(), whole, "stopped after {stops} steps");
        let report = finish(lake(&store, 4).verify()).unwrap();
        assert_eq!(report.problems, [], "stopped after {stops} steps");
        if let Some(result) = done {
            result.unwrap();
            calls = made;
            break;
        }
        stops += 1;
    }
    eprintln!("{way:?}: stopped after each of {stops} steps of {calls} calls");
    stops
}

/// As above with lost responses: each write takes effect, but the writer gets an error.
#[test]
fn lost_answers_change_nothing() {
    for seed in 0..50 {
        let faults = Faults { fail_after: 500, ..Faults::default() };
        let store = FaultyStore::new(seed, faults, true);
        let mut attempts = 0;
        while finish(commit(lake(&store, seed + attempts), NEW.collect(), Way::InTurn)).is_err() {
            attempts += 1;
            assert!(attempts < 1000, "seed {seed} never ends");
        }
        assert_eq!(rows::all_events(store.inner()), NEW.collect(), "seed {seed}");
        assert!(store.happened().lost_responses > 0 || attempts == 0);
    }
}
