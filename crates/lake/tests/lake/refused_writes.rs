//! A write that the operating system rejects fails at once with the reason. A write with conflicts reports the last
//! error. A sweep frees space on a full disk.

use std::io::ErrorKind;
use std::sync::Arc;

use crate::support::rows::{self, BASE, DAY};
use crate::support::store::{Faults, FaultyStore};
use crate::support::{Virtual, finish};
use bluetick_lake::{Fault, Lake, LakeError, LakeOptions, SweepReport};
use object_store::ObjectStoreExt;
use object_store::path::Path;

fn commit(kind: ErrorKind) -> (LakeError, u64) {
    let store = FaultyStore::new(7, Faults::default(), true);
    store.refuse_manifests(kind);
    let options = LakeOptions { max_attempts: 5, ..LakeOptions::default() };
    let lake = Lake::with_store(Arc::new(store.clone()), BASE, options).with_environment(Virtual::new(DAY, 7));
    let error = finish(lake.commit(&rows::batches(&[3])[0])).unwrap_err();
    (error, store.happened().refused)
}

#[test]
fn a_refused_write_is_tried_once() {
    let kinds = [
        (ErrorKind::PermissionDenied, "permission denied"),
        (ErrorKind::ReadOnlyFilesystem, "read-only filesystem"),
        (ErrorKind::StorageFull, "no storage space"),
    ];
    for (kind, text) in kinds {
        let (error, writes) = commit(kind);
        assert_eq!((error.fault(), writes), (Fault::Fatal, 1), "{error}");
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[test]
fn contention_carries_the_last_error() {
    let (error, writes) = commit(ErrorKind::ConnectionReset);
    assert_eq!((error.fault(), writes), (Fault::Retriable, 5), "{error}");
    assert!(error.to_string().contains("connection reset"), "{error}");
}

/// As above in a local directory: a file exists where the folder of the manifests should be.
#[tokio::test]
async fn a_directory_says_what_is_wrong() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("manifest"), "no folder").unwrap();
    let lake = Lake::open(&format!("file://{}", directory.path().display()), LakeOptions::default()).unwrap();
    let error = lake.commit(&rows::batches(&[3])[0]).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Fatal, "{error}");
}

const HOUR_MS: i64 = 3_600_000;

/// Two partitions have abandoned parts whose grace period has passed, and the disk is full. In the first partition a
/// later commit has changed the manifest, unless both are `idle`. Returns the result of a sweep, the number of
/// refused writes, and the result of a second sweep.
fn sweep_a_full_disk(idle: bool) -> (Result<SweepReport, LakeError>, u64, SweepReport) {
    let store = FaultyStore::new(7, Faults::default(), true);
    let clock = Virtual::new(DAY, 7);
    let lake = Lake::with_store(Arc::new(store.clone()), BASE, LakeOptions::default())
        .with_environment(Arc::clone(&clock) as _);
    let commit = |events: &[u32]| {
        rows::batches(events).iter().for_each(|batch| _ = finish(lake.commit(batch)).unwrap());
    };
    // Events 0 and 3 belong to one partition, event 2 to another.
    commit(&[0, 2]);
    for table in ["messages", "sends"] {
        let abandoned = format!("data/{table}/dt=2026-11-20/01987654-0000-7000-8000-000000000000.parquet");
        finish(store.put(&Path::from(abandoned), "x".into())).unwrap();
    }
    clock.advance(HOUR_MS);
    assert_eq!(finish(lake.sweep(false)).unwrap().unreferenced, 2);
    if !idle {
        // The sweep sees that the manifest has changed, so the abandoned part needs no fence. The last commit keeps the
        // sweep from deleting the part that the first one superseded.
        commit(&[3]);
        clock.advance(HOUR_MS);
        finish(lake.sweep(false)).unwrap();
        commit(&[6]);
    }
    clock.advance(25 * HOUR_MS);
    store.fill();
    let swept = finish(lake.sweep(false));
    let refused = store.happened().refused;
    // Deleting an object frees space.
    finish(store.delete(&Path::from("somewhere"))).unwrap();
    let next = finish(lake.sweep(false)).unwrap();
    assert_eq!(finish(lake.verify()).unwrap().problems, []);
    (swept, refused, next)
}

/// The sweep first deletes parts that need no write. This frees space for the fences of the other partitions.
#[test]
fn a_sweep_frees_a_full_disk() {
    let (swept, refused, _) = sweep_a_full_disk(false);
    let swept = swept.unwrap();
    assert_eq!((swept.deleted.len(), swept.fenced_manifests, refused), (2, 1, 0), "{swept:?}");
}

/// Without space for a fence nothing is deleted, and the error gives the reason. The next sweep completes the work.
#[test]
fn a_full_disk_on_which_every_deletion_needs_a_fence_is_reported() {
    let (swept, refused, next) = sweep_a_full_disk(true);
    let error = swept.unwrap_err();
    assert!(error.fault() == Fault::Fatal && error.to_string().contains("no storage space"), "{error}");
    assert!(refused > 0);
    assert_eq!((next.deleted.len(), next.fenced_manifests), (2, 2), "{next:?}");
}
