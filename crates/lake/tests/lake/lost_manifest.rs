//! A manifest is deleted or emptied: `verify` and the sweep report it, the sweep deletes no part of the partition, and
//! the repair rebuilds the manifest if the parts alone show which rows the partition had.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::support::Virtual;
use crate::support::rows::{self, BASE, DAY, Event};
use bluetick_lake::{Invariant, Lake, LakeOptions, Person, Staging};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

const HOUR_MS: i64 = 3_600_000;
const FOLDER: &str = "messages/dt=2026-11-20";

struct World {
    store: Arc<InMemory>,
    clock: Arc<Virtual>,
    lake: Lake,
}

impl World {
    /// A lake whose first partition has a current part with the rows of two commits, and the superseded part of the
    /// first.
    async fn new() -> Self {
        let (store, clock) = (Arc::new(InMemory::new()), Virtual::new(DAY + 48 * HOUR_MS, 7));
        let shared: Arc<dyn ObjectStore> = Arc::<InMemory>::clone(&store);
        let options = LakeOptions { small_part_bytes: 0, ..LakeOptions::default() };
        let lake = Lake::with_store(shared, BASE, options).with_environment(clock.clone());
        let world = Self { store, clock, lake };
        world.commit(&[0, 3]).await;
        world.commit(&(0..40).collect::<Vec<_>>()).await;
        world.clock.advance(HOUR_MS);
        world
    }

    async fn commit(&self, events: &[Event]) {
        for batch in rows::batches(events) {
            self.lake.commit(&batch).await.unwrap();
        }
    }

    async fn problems(&self) -> Vec<Invariant> {
        self.lake.verify().await.unwrap().problems.iter().map(|problem| problem.invariant).collect()
    }
}

fn everything() -> BTreeSet<Event> {
    (0..40).collect()
}

#[tokio::test]
async fn a_lost_manifest_is_reported_and_rebuilt() {
    for emptied in [false, true] {
        let world = World::new().await;
        let path = rows::manifest_path(FOLDER);
        if emptied {
            world.store.put(&path, "".into()).await.unwrap();
        } else {
            world.store.delete(&path).await.unwrap();
        }
        assert_eq!(world.problems().await, [Invariant::ManifestsExist]);
        let parts = rows::parts_stored(&world.store);
        for _ in 0..60 {
            world.clock.advance(HOUR_MS);
            let report = world.lake.sweep(false).await.unwrap();
            assert_eq!(report.without_manifest.len(), 1);
        }
        // At most the superseded part of another partition may have been deleted.
        assert!(rows::parts_stored(&world.store) >= parts - 1);
        let planned = world.lake.repair(true).await.unwrap();
        assert_eq!(world.problems().await, [Invariant::ManifestsExist], "a dry run changes nothing");
        let repairs = world.lake.repair(false).await.unwrap();
        assert_eq!(repairs.len(), 1);
        assert_eq!((repairs[0].rows, planned[0].rows), (14, 14));
        assert_eq!(world.problems().await, []);
        assert_eq!(rows::all_events(&world.store), everything());
        assert_eq!(world.lake.repair(false).await.unwrap(), []);
    }
}

/// A commit to a partition whose manifest was lost must not create a new manifest that omits the old parts.
#[tokio::test]
async fn a_commit_after_the_loss_keeps_every_row() {
    let world = World::new().await;
    world.store.delete(&rows::manifest_path(FOLDER)).await.unwrap();
    world.commit(&[42]).await;
    for _ in 0..60 {
        world.clock.advance(HOUR_MS);
        world.lake.sweep(false).await.unwrap();
    }
    assert_eq!(world.problems().await, []);
    let mut expected = everything();
    expected.insert(42);
    assert_eq!(rows::all_events(&world.store), expected);
}

/// Two parts hold different rows with the same key: a late writer received an event a second time.
#[tokio::test]
async fn parts_that_contradict_each_other_are_only_named() {
    let (world, other) = (World::new().await, World::new().await);
    let line = |receipt: i64| rows::line(600).replace("received_at\":", &format!("received_at\":{receipt}"));
    for (world, receipt) in [(&world, 1), (&other, 2)] {
        let mut staging = Staging::new();
        staging.push_line(line(receipt).as_bytes()).unwrap();
        world.lake.commit(&staging.drain().unwrap()[0]).await.unwrap();
    }
    let path = rows::manifest_path(FOLDER);
    let text = other.store.get(&path).await.unwrap().bytes().await.unwrap();
    for (number, part) in rows::referenced(std::str::from_utf8(&text).unwrap()).into_iter().enumerate() {
        let bytes = other.store.get(&part).await.unwrap().bytes().await.unwrap();
        let name = format!("data/{FOLDER}/01987654-0000-7000-8000-00000000000{number}.parquet");
        world.store.put(&Path::parse(name).unwrap(), bytes.into()).await.unwrap();
    }
    world.store.delete(&path).await.unwrap();
    let repairs = world.lake.repair(false).await.unwrap();
    assert!(repairs[0].restored.is_empty() && repairs[0].candidates.len() >= 2, "{repairs:?}");
    world.clock.advance(HOUR_MS);
    assert_eq!(world.problems().await, [Invariant::ManifestsExist]);
}

/// Abandoned parts of failed first commits overlap: each row is kept once.
#[tokio::test]
async fn equal_rows_of_several_parts_are_kept_once() {
    let (world, other) = (World::new().await, World::new().await);
    other.commit(&(300..480).collect::<Vec<_>>()).await;
    world.commit(&(420..600).collect::<Vec<_>>()).await;
    let path = rows::manifest_path(FOLDER);
    let text = other.store.get(&path).await.unwrap().bytes().await.unwrap();
    for (number, part) in rows::referenced(std::str::from_utf8(&text).unwrap()).into_iter().enumerate() {
        let bytes = other.store.get(&part).await.unwrap().bytes().await.unwrap();
        let name = format!("data/{FOLDER}/01987654-0000-7000-8000-00000000000{number}.parquet");
        world.store.put(&Path::parse(name).unwrap(), bytes.into()).await.unwrap();
    }
    world.store.delete(&path).await.unwrap();
    assert_eq!(world.lake.repair(false).await.unwrap()[0].rows, 14 + 100);
    assert_eq!(world.problems().await, []);
}

#[tokio::test]
async fn a_repair_brings_no_erased_person_back() {
    let world = World::new().await;
    world.lake.erase(&Person::WaId(rows::person(0))).await.unwrap();
    world.store.delete(&rows::manifest_path(FOLDER)).await.unwrap();
    world.lake.repair(false).await.unwrap();
    let expected: BTreeSet<Event> = (0..40).filter(|event| event % rows::PERSONS != 0).collect();
    assert_eq!(rows::all_events(&world.store), expected);
    assert_eq!(world.problems().await, []);
}
