//! An earlier version of a manifest is restored: its rows come back under a text that no manifest had before.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::support::rows::{self, BASE, DAY, Event};
use crate::support::store::{Faults, FaultyStore};
use crate::support::{Virtual, finish, step};
use bluetick_lake::{Lake, LakeError, LakeOptions, Person, RestoreReport};
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};

const HOUR_MS: i64 = 3_600_000;
/// The folder of the events 0, 3, 6 …
const FOLDER: &str = "messages/dt=2026-11-20";

fn lake(store: Arc<dyn ObjectStore>, clock: &Arc<Virtual>) -> Lake {
    Lake::with_store(store, BASE, LakeOptions::default()).with_environment(clock.clone())
}

fn commit(lake: &Lake, events: &[Event]) {
    for batch in rows::batches(events) {
        finish(lake.commit(&batch)).unwrap();
    }
}

struct World {
    store: Arc<InMemory>,
    clock: Arc<Virtual>,
    lake: Lake,
}

impl World {
    fn new() -> Self {
        let (store, clock) = (Arc::new(InMemory::new()), Virtual::new(DAY + 48 * HOUR_MS, 7));
        let lake = lake(store.clone(), &clock);
        Self { store, clock, lake }
    }

    fn text(&self) -> String {
        let got = finish(self.store.get(&rows::manifest_path(FOLDER))).unwrap();
        String::from_utf8(finish(got.bytes()).unwrap().to_vec()).unwrap()
    }

    fn restore(&self, text: &str) -> Result<RestoreReport, LakeError> {
        finish(self.lake.restore_manifest(text, false))
    }

    /// The events of the lake, which must be sound.
    fn events(&self) -> BTreeSet<Event> {
        assert_eq!(finish(self.lake.verify()).unwrap().problems, []);
        rows::all_events(&self.store)
    }
}

#[test]
fn a_version_comes_back_under_a_new_text_each_time() {
    let world = World::new();
    let mut texts = BTreeSet::new();
    let mut seen = || assert!(texts.insert(world.text()), "a manifest has the same text twice");
    commit(&world.lake, &[0, 3]);
    seen();
    let (first, before) = (world.text(), world.events());
    commit(&world.lake, &(6..60).filter(|event| event % 3 == 0).collect::<Vec<_>>());
    seen();
    let (second, after) = (world.text(), world.events());
    for _ in 0..3 {
        for (version, events) in [(&first, &before), (&second, &after)] {
            let dry = finish(world.lake.restore_manifest(version, true)).unwrap();
            assert_eq!((dry.rows, dry.replaced), (events.len() as u64, 0));
            let report = world.restore(version).unwrap();
            assert_eq!((report.partition.to_string().as_str(), report.rows, report.erased), (FOLDER, dry.rows, 0));
            assert_eq!(report.replaced, 1);
            assert_eq!(world.events(), *events);
            seen();
        }
    }
    // The current version may be restored, too.
    world.restore(&world.text()).unwrap();
    seen();
    assert_eq!(world.events(), after);
    // What the sweep finds unreferenced afterwards is not what the restored partition needs.
    for _ in 0..40 {
        world.clock.advance(HOUR_MS);
        finish(world.lake.sweep(false)).unwrap();
    }
    assert_eq!(world.events(), after);
    assert!(rows::parts_stored(&world.store) <= 2, "the restored part, and the sweep's fence");
}

/// A writer has checked everything and sent its write. Then the version that it read is restored.
#[test]
fn a_write_that_is_held_during_a_restore_takes_no_effect() {
    let store = FaultyStore::new(7, Faults::default(), true);
    let clock = Virtual::new(DAY + 48 * HOUR_MS, 7);
    let writer = lake(Arc::new(store.clone()), &clock);
    commit(&writer, &[0]);
    let text = finish(async {
        let got = store.inner().get(&rows::manifest_path(FOLDER)).await.unwrap();
        String::from_utf8(got.bytes().await.unwrap().to_vec()).unwrap()
    });
    let batch = &rows::batches(&[3])[0];
    let mut held: Pin<Box<dyn Future<Output = _>>> = Box::pin(writer.commit(batch));
    while !store.is_writing() {
        assert!(step(&mut held).is_none());
    }
    let other = lake(Arc::new(store.inner().clone()), &clock);
    commit(&other, &[6, 9]);
    let restored = finish(other.restore_manifest(&text, false)).unwrap();
    assert_eq!(restored.rows, 1);
    let report = finish(held).unwrap();
    assert_eq!((report.new, report.conflicts), (1, 1), "the write failed, and the commit was planned again");
    assert_eq!(finish(other.verify()).unwrap().problems, []);
    assert_eq!(rows::all_events(store.inner()), BTreeSet::from([0, 3]));
}

/// A restore whose write is held while others commit starts again; so does one whose response is lost.
#[test]
fn a_restore_is_an_ordinary_optimistic_commit() {
    let faults = Faults { fail_before: 20, fail_after: 100, false_conflict: 300, late_write: 0, delay: 0 };
    let mut restored = 0;
    for seed in 0..40 {
        let store = FaultyStore::new(seed, faults, true);
        let clock = Virtual::new(DAY + 48 * HOUR_MS, seed);
        let sound = lake(Arc::new(store.inner().clone()), &clock);
        commit(&sound, &[0, 3]);
        let got = finish(store.inner().get(&rows::manifest_path(FOLDER))).unwrap();
        let text = String::from_utf8(finish(got.bytes()).unwrap().to_vec()).unwrap();
        commit(&sound, &[6, 9, 12]);
        let faulty = lake(Arc::new(store.clone()), &clock);
        let mut restore: Pin<Box<dyn Future<Output = _>>> = Box::pin(faulty.restore_manifest(&text, false));
        let mut outcome = None;
        for turn in 0..1_000_000 {
            outcome = step(&mut restore);
            if outcome.is_some() {
                break;
            }
            if turn == 3 {
                commit(&sound, &[15]);
            }
        }
        match outcome.unwrap() {
            Ok(report) => {
                assert_eq!((report.rows, report.erased), (2, 0), "seed {seed}");
                assert_eq!(rows::all_events(store.inner()), BTreeSet::from([0, 3]), "seed {seed}");
                restored += 1;
            }
            // The store failed while it was read: the restore did nothing, or everything.
            Err(error) => {
                let events = rows::all_events(store.inner());
                assert!([2, 5, 6].contains(&events.len()), "seed {seed}: {error}: {events:?}");
            }
        }
        assert_eq!(finish(sound.verify()).unwrap().problems, [], "seed {seed}");
    }
    assert!(restored > 20, "{restored} of 40 were restored");
}

#[test]
fn erased_persons_do_not_come_back() {
    let world = World::new();
    commit(&world.lake, &[0, 3, 6]);
    let old = world.text();
    finish(world.lake.erase(&Person::WaId(rows::person(3)))).unwrap();
    let without = world.events();
    assert!(!without.contains(&3));
    let report = world.restore(&old).unwrap();
    assert_eq!((report.rows, report.erased), (without.len() as u64, 3 - without.len() as u64));
    assert_eq!(world.events(), without);
}

#[test]
fn a_lost_manifest_is_restored_from_its_version() {
    for emptied in [false, true] {
        let world = World::new();
        commit(&world.lake, &[0, 3]);
        let old = world.text();
        let before = world.events();
        world.clock.advance(HOUR_MS);
        let path = rows::manifest_path(FOLDER);
        if emptied {
            finish(world.store.put(&path, "".into())).unwrap();
        } else {
            finish(world.store.delete(&path)).unwrap();
        }
        assert_eq!(world.restore(&old).unwrap().replaced, 0);
        assert_eq!(world.events(), before);
        assert_ne!(world.text(), old);
    }
}

#[test]
fn rubbish_and_missing_parts_change_nothing() {
    let world = World::new();
    commit(&world.lake, &[0, 3]);
    let first = world.text();
    commit(&world.lake, &(6..60).filter(|event| event % 3 == 0).collect::<Vec<_>>());
    let second = world.text();
    let (text, events) = (world.text(), world.events());
    let refused = |text: &str, expected: &str| match world.restore(text) {
        Err(LakeError::Invalid(problem)) => assert!(problem.contains(expected), "{problem}"),
        other => panic!("{other:?}"),
    };
    refused("", "does not name a part below memory://model");
    refused("\n", "does not name a part");
    refused("rubbish \u{0}\u{1b}[31m\n", "does not name a part");
    refused(&first.replace("memory://model", "s3://other"), "does not name a part below memory://model");
    refused(&format!("{first}x\n"), "\"x\" is not a part");
    refused(&format!("{first}{first}"), "is listed twice");
    refused(&format!("{first}{}", first.replace("11-20", "11-21")), "belongs to another partition");
    // The second version contains the rows of the first.
    refused(&format!("{first}{second}"), "not one version of a manifest");
    finish(world.store.delete(&rows::referenced(&first)[0])).unwrap();
    refused(&first, "does not exist any more");
    assert_eq!((world.text(), rows::all_events(&world.store)), (text, events));
}
