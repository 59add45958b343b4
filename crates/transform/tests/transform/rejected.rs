//! Rejected lines are stored once, under their object's name, even if other objects of the batch fail.

use std::io::Write;
use std::sync::Arc;

use bluetick_lake::{Lake, LakeOptions};
use bluetick_transform::batch::{DEFAULT_FLUSH_BYTES, Transform};
use bluetick_transform::raw::Source;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::Value;

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn broken_lines(of: &str, count: u64) -> String {
    (0..count).map(|number| format!("{of} {:x}\n", number.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect()
}

/// All lines under `rejected/`, and the sum of the counts under `rejections/`.
async fn kept(lake: &dyn ObjectStore) -> (Vec<Value>, u64) {
    let (mut lines, mut counted) = (Vec::new(), 0);
    for meta in lake.list(None).try_collect::<Vec<_>>().await.unwrap() {
        let bytes = lake.get(&meta.location).await.unwrap().bytes().await.unwrap();
        let values = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let values = values.map(|line| serde_json::from_slice::<Value>(line).unwrap());
        if meta.location.as_ref().starts_with("rejections/") {
            counted += values.map(|value| value["line_count"].as_u64().unwrap()).sum::<u64>();
        } else {
            assert!(meta.location.as_ref().starts_with("rejected/not_json/dt=2026-11-2"), "{}", meta.location);
            lines.extend(values);
        }
    }
    (lines, counted)
}

#[tokio::test]
async fn lines_of_a_failed_object_are_not_stored_under_the_next_one() {
    let raw: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let lake = Lake::with_store(Arc::clone(&store), "memory://lake", LakeOptions::default());
    let transform = Transform::new(lake, DEFAULT_FLUSH_BYTES);
    let (first, second) = ("raw/2026/11/20/first", "raw/2026/11/21/second");
    let whole = gzip(&broken_lines("first", 40_000));
    raw.put(&Path::from(first), whole[..whole.len() - 4].to_vec().into()).await.unwrap();
    raw.put(&Path::from(second), gzip(&broken_lines("second", 3)).into()).await.unwrap();
    let source = |path: &str| Source::stored(Arc::clone(&raw), Path::from(path));
    let report = transform.run(&[source(first), source(second)], None, |_| {}).await;
    assert_eq!(report.failed.iter().copied().collect::<Vec<_>>(), [0]);

    raw.put(&Path::from(first), whole.into()).await.unwrap();
    for _ in 0..2 {
        let report = transform.run(&[source(first), source(second)], None, |_| {}).await;
        assert_eq!((report.failed.len(), report.rejected), (0, 40_003));
    }
    let (lines, counted) = kept(&*store).await;
    assert_eq!((lines.len(), counted), (40_003, 40_003));
    for line in lines {
        let object = line["source"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        assert!(line["line"].as_str().unwrap().starts_with(&object), "{line}");
    }
}
