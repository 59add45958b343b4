//! A write that the operating system refuses fails at once, and says why; a contended one says what the last error was.

use std::io::ErrorKind;
use std::sync::Arc;

use crate::support::rows::{self, BASE, DAY};
use crate::support::store::{Faults, FaultyStore};
use crate::support::{Virtual, finish};
use bluetick_lake::{Fault, Lake, LakeOptions};

fn commit(kind: ErrorKind) -> (bluetick_lake::LakeError, u64) {
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

/// The same through a directory: a file stands where the folder of the manifests should be.
#[tokio::test]
async fn a_directory_says_what_is_wrong() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("manifest"), "no folder").unwrap();
    let lake = Lake::open(&format!("file://{}", directory.path().display()), LakeOptions::default()).unwrap();
    let error = lake.commit(&rows::batches(&[3])[0]).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Fatal, "{error}");
}
