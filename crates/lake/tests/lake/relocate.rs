//! A copied lake becomes readable in its new place when its manifests are rewritten.

use std::sync::Arc;

use bluetick_lake::{Lake, LakeOptions, RewriteOptions, Staging, Table};
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

const OLD: &str = "s3://old-bucket";
const NEW: &str = "s3://new-bucket/prefix";

fn lake(store: &Arc<InMemory>, base_uri: &str) -> Lake {
    Lake::with_store(Arc::clone(store) as Arc<dyn ObjectStore>, base_uri, LakeOptions::default())
}

/// Commits sends on `days` days, one per day.
async fn fill(lake: &Lake, days: i64) {
    let mut staging = Staging::new();
    for day in 0..days {
        let at = 1_790_000_000_000 + day * 86_400_000;
        let line = format!(
            r#"{{"table":"sends","event_ts":{at},"provider":"tracker","received_at":{at},"message_id":"m{day}"}}"#
        );
        staging.push_line(line.as_bytes()).unwrap();
    }
    for batch in staging.drain().unwrap() {
        lake.commit(&batch).await.unwrap();
    }
}

async fn copy(from: &InMemory, to: &InMemory, prefix: &str) {
    let objects: Vec<_> = from.list(Some(&Path::from(prefix))).try_collect().await.unwrap();
    for object in objects {
        let bytes = from.get(&object.location).await.unwrap().bytes().await.unwrap();
        to.put(&object.location, bytes.into()).await.unwrap();
    }
}

async fn rows(lake: &Lake) -> usize {
    lake.read_table(Table::Sends).await.unwrap().iter().map(|batch| batch.num_rows()).sum()
}

const WRITE: RewriteOptions = RewriteOptions { replace: false, dry_run: false };
const REPLACE: RewriteOptions = RewriteOptions { replace: true, dry_run: false };

#[tokio::test]
async fn a_copied_lake_is_read_in_its_new_place() {
    let (old_store, new_store) = (Arc::new(InMemory::new()), Arc::new(InMemory::new()));
    let (old, new) = (lake(&old_store, OLD), lake(&new_store, NEW));
    fill(&old, 3).await;
    copy(&old_store, &new_store, "data").await;
    let dry = new.rewrite_manifests(&old, OLD, RewriteOptions { dry_run: true, ..WRITE }).await.unwrap();
    assert_eq!((dry.rewritten, rows(&new).await), (3, 0));
    let report = new.rewrite_manifests(&old, OLD, WRITE).await.unwrap();
    assert_eq!((report.rewritten, report.unchanged, report.parts, report.problems.len()), (3, 0, 3, 0));
    assert_eq!(rows(&new).await, 3);
    assert!(new.verify().await.unwrap().problems.is_empty());
    // A second run has nothing to do, and both lakes can be used independently.
    let again = new.rewrite_manifests(&old, OLD, WRITE).await.unwrap();
    assert_eq!((again.rewritten, again.unchanged), (0, 3));
    fill(&new, 4).await;
    assert_eq!((rows(&new).await, rows(&old).await), (4, 3));
}

#[tokio::test]
async fn a_replica_with_the_old_manifests_is_rewritten_in_place() {
    let (old_store, new_store) = (Arc::new(InMemory::new()), Arc::new(InMemory::new()));
    fill(&lake(&old_store, OLD), 2).await;
    copy(&old_store, &new_store, "").await;
    let new = lake(&new_store, NEW);
    assert!(new.read_table(Table::Sends).await.is_err(), "the manifests list parts of the old lake");
    let report = new.rewrite_manifests(&new, OLD, WRITE).await.unwrap();
    assert_eq!((report.rewritten, rows(&new).await), (2, 2));
    let again = new.rewrite_manifests(&new, OLD, WRITE).await.unwrap();
    assert_eq!((again.rewritten, again.unchanged), (0, 2));
}

#[tokio::test]
async fn a_manifest_whose_parts_are_not_copied_is_not_written() {
    let (old_store, new_store) = (Arc::new(InMemory::new()), Arc::new(InMemory::new()));
    let (old, new) = (lake(&old_store, OLD), lake(&new_store, NEW));
    fill(&old, 2).await;
    copy(&old_store, &new_store, "data").await;
    let parts: Vec<_> = new_store.list(Some(&Path::from("data"))).try_collect().await.unwrap();
    new_store.delete(&parts[0].location).await.unwrap();
    let report = new.rewrite_manifests(&old, OLD, WRITE).await.unwrap();
    assert_eq!((report.rewritten, report.problems.len()), (1, 1));
    assert!(report.problems[0].contains("copy data/ first"), "{:?}", report.problems);
    assert_eq!(rows(&new).await, 1);
}

#[tokio::test]
async fn a_manifest_that_the_new_lake_wrote_itself_is_replaced_only_on_demand() {
    let (old_store, new_store) = (Arc::new(InMemory::new()), Arc::new(InMemory::new()));
    let (old, new) = (lake(&old_store, OLD), lake(&new_store, NEW));
    fill(&old, 2).await;
    fill(&new, 1).await;
    copy(&old_store, &new_store, "data").await;
    let report = new.rewrite_manifests(&old, OLD, WRITE).await.unwrap();
    assert_eq!((report.rewritten, report.problems.len()), (1, 1));
    assert!(report.problems[0].contains("--replace"), "{:?}", report.problems);
    assert_eq!(new.rewrite_manifests(&old, OLD, REPLACE).await.unwrap().rewritten, 1);
    assert_eq!(rows(&new).await, 2);
}

#[tokio::test]
async fn lines_of_a_third_lake_are_refused() {
    let (old_store, new_store) = (Arc::new(InMemory::new()), Arc::new(InMemory::new()));
    let old = lake(&old_store, OLD);
    fill(&old, 1).await;
    let report = lake(&new_store, NEW).rewrite_manifests(&old, "s3://third", WRITE).await.unwrap();
    assert_eq!((report.rewritten, report.problems.len()), (0, 1));
    assert!(report.problems[0].contains("s3://third"), "{:?}", report.problems);
}
