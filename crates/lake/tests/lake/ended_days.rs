//! The sweep compacts days that have ended: once, without a loss at any interruption, and without a fence afterwards.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::support::rows::{self, BASE, DAY, Event, Snapshots};
use crate::support::store::{Faults, FaultyStore};
use crate::support::{Virtual, finish, step};
use bluetick_lake::{Environment, Lake, LakeOptions};
use futures::FutureExt;
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Numbers of events of the partition `messages/dt=2026-11-20`.
fn of_one_day(numbers: std::ops::Range<u32>) -> Vec<Event> {
    numbers.map(|number| number * 3).collect()
}

struct World {
    store: FaultyStore,
    clock: Arc<Virtual>,
}

impl World {
    /// A lake with three parts in one partition, at the end of its day.
    fn new() -> Self {
        let world = Self { store: FaultyStore::new(7, Faults::default(), true), clock: Virtual::new(DAY, 7) };
        for numbers in [0..40, 40..60, 60..65] {
            for batch in rows::batches(&of_one_day(numbers)) {
                finish(world.lake(f64::INFINITY).commit(&batch)).unwrap();
            }
        }
        assert_eq!(world.parts(), 3);
        world
    }

    /// A lake that compacts with this growth factor; infinity compacts nothing.
    fn lake(&self, growth_factor: f64) -> Lake {
        let environment: Arc<dyn Environment> = Arc::<Virtual>::clone(&self.clock);
        let options = LakeOptions { growth_factor, zstd_level: 0, ..LakeOptions::default() };
        Lake::with_store(Arc::new(self.store.clone()), BASE, options).with_environment(environment)
    }

    /// Sweeps. Returns the numbers of compacted parts, of deleted parts and of fences.
    fn sweep(&self) -> (u64, usize, u64) {
        let report = finish(self.lake(4.0).sweep(false)).unwrap();
        (report.compacted_parts, report.deleted.len(), report.fenced_manifests)
    }

    fn inner(&self) -> &InMemory {
        self.store.inner()
    }

    fn manifest(&self) -> String {
        let got = self.inner().get(&rows::manifest_path(rows::FOLDERS[0])).now_or_never().unwrap().unwrap();
        String::from_utf8(got.bytes().now_or_never().unwrap().unwrap().to_vec()).unwrap()
    }

    fn parts(&self) -> usize {
        self.manifest().lines().count()
    }

    fn commit(&self, numbers: std::ops::Range<u32>, growth_factor: f64) {
        for batch in rows::batches(&of_one_day(numbers)) {
            finish(self.lake(growth_factor).commit(&batch)).unwrap();
        }
    }

    fn check(&self, numbers: std::ops::Range<u32>) {
        assert_eq!(rows::all_events(self.inner()), of_one_day(numbers).into_iter().collect());
        assert_eq!(finish(self.lake(4.0).verify()).unwrap().problems, []);
    }
}

#[test]
fn a_day_is_compacted_once_when_it_has_ended() {
    let world = World::new();
    world.clock.advance(DAY_MS - 1);
    assert_eq!(world.sweep(), (0, 0, 0), "the day has not ended");
    world.clock.advance(HOUR_MS);
    assert_eq!(world.sweep(), (3, 0, 0));
    let manifest = world.manifest();
    assert_eq!(world.parts(), 1);
    // The superseded parts are deleted after the grace. No sweep changes the manifest again.
    let mut deleted = 0;
    for _ in 0..100 {
        world.clock.advance(HOUR_MS);
        let (compacted, of_this_sweep, fences) = world.sweep();
        assert_eq!((compacted, fences), (0, 0));
        deleted += of_this_sweep;
    }
    assert_eq!((deleted, rows::parts_stored(world.inner())), (3, 1));
    assert_eq!(world.manifest(), manifest);
    world.check(0..65);
}

/// The control: without compaction the parts remain.
#[test]
fn without_compaction_the_parts_remain() {
    let world = World::new();
    world.clock.advance(3 * DAY_MS);
    assert_eq!(finish(world.lake(f64::INFINITY).sweep(false)).unwrap().compacted_parts, 0);
    assert_eq!(finish(world.lake(4.0).sweep(true)).unwrap().compacted_parts, 0, "a dry run only reports");
    assert_eq!(world.parts(), 3);
}

/// Late rows are merged at once if they are many, otherwise after the day is closed.
#[test]
fn a_few_late_rows_wait_until_no_more_are_expected() {
    let world = World::new();
    world.clock.advance(DAY_MS + HOUR_MS);
    assert_eq!(world.sweep(), (3, 0, 0));
    world.commit(65..70, f64::INFINITY);
    world.clock.advance(HOUR_MS);
    assert_eq!(world.sweep(), (0, 0, 0), "5 rows are less than an eighth of 65");
    world.commit(70..80, f64::INFINITY);
    world.clock.advance(HOUR_MS);
    assert_eq!(world.sweep(), (3, 0, 0), "15 rows are more than an eighth of 65");
    world.commit(80..81, f64::INFINITY);
    world.clock.advance(9 * DAY_MS);
    let (compacted, _, fences) = world.sweep();
    assert_eq!((compacted, fences), (2, 0));
    assert_eq!(world.parts(), 1);
    world.check(0..81);
}

/// The sweep's own fences add parts without rows. They cause no compaction, else each sweep would rewrite the day.
#[test]
fn parts_without_rows_cause_no_compaction() {
    let world = World::new();
    world.clock.advance(DAY_MS + HOUR_MS);
    assert_eq!(world.sweep(), (3, 0, 0));
    // A writer that crashed before it wrote the manifest leaves a part, and its deletion needs a fence.
    let lake = world.lake(f64::INFINITY);
    let batch = &rows::batches(&of_one_day(65..66))[0];
    let mut commit: Pin<Box<dyn Future<Output = _>>> = Box::pin(lake.commit(batch));
    while rows::parts_stored(world.inner()) < 5 {
        assert!(step(&mut commit).is_none());
    }
    drop(commit);
    let mut fences = 0;
    for _ in 0..200 {
        world.clock.advance(HOUR_MS);
        let (compacted, _, of_this_sweep) = world.sweep();
        assert_eq!(compacted, 0);
        fences += of_this_sweep;
    }
    assert_eq!((fences, world.parts()), (1, 2));
    world.check(0..65);
}

/// Stops the sweep after each step of each call. A reader sees all rows once at every moment, and the next sweeps
/// complete the work.
#[test]
fn stopping_the_compaction_anywhere_changes_no_row() {
    let all = of_one_day(0..65).into_iter().collect();
    let mut stops = 0;
    loop {
        let world = World::new();
        world.clock.advance(DAY_MS + HOUR_MS);
        let (lake, mut snapshots) = (world.lake(4.0), Snapshots::default());
        let mut task: Pin<Box<dyn Future<Output = _>>> = Box::pin(lake.sweep(false));
        let mut done = None;
        for _ in 0..stops {
            done = step(&mut task);
            assert_eq!(snapshots.read(world.inner()).unwrap()[rows::FOLDERS[0]], all, "after {stops} steps");
        }
        drop(task);
        for hours in [1, 30, 30, 30] {
            world.clock.advance(hours * HOUR_MS);
            world.sweep();
        }
        assert_eq!(snapshots.read(world.inner()).unwrap()[rows::FOLDERS[0]], all, "after {stops} steps");
        assert_eq!(rows::parts_stored(world.inner()), world.parts(), "after {stops} steps");
        // One part with the rows, and at most one without: the fence for a part that the interrupted sweep wrote.
        assert!(world.parts() <= 2, "{} parts after {stops} steps", world.parts());
        world.check(0..65);
        if let Some(report) = done {
            assert_eq!(report.unwrap().compacted_parts, 3);
            break;
        }
        stops += 1;
    }
    assert!(stops > 20, "{stops} stops");
}
