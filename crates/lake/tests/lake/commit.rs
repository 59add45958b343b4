//! Commits on each kind of store: new rows are added once and sorted, and small parts are compacted.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::TimestampMillisecondType;
use bluetick_lake::{Lake, LakeOptions, PartitionBatch, Staging, Table};
use object_store::ObjectStoreExt;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

const DAY: i64 = 1_795_132_800_000;

fn clicks(ids: impl IntoIterator<Item = u32>) -> Vec<PartitionBatch> {
    let mut staging = Staging::new();
    for id in ids {
        let time = DAY + i64::from(id) * 1000;
        let line = format!(
            r#"{{"table":"clicks","event_ts":{time},"provider":"meta","received_at":{time},"click_id":"click-{id}","kind":"button_reply","wa_id":"4917{id:08}"}}"#
        );
        staging.push_line(line.as_bytes()).unwrap();
    }
    staging.drain().unwrap()
}

fn ids(batches: &[RecordBatch]) -> Vec<String> {
    let columns = batches.iter().map(|batch| batch.column_by_name("click_id").unwrap().as_string::<i32>());
    columns.flat_map(|column| column.iter().map(|id| id.unwrap().to_owned()).collect::<Vec<_>>()).collect()
}

async fn repeats_change_nothing(url: &str) {
    let lake = Lake::open(url, LakeOptions::default()).unwrap();
    let report = lake.commit(&clicks([3, 1, 2, 3])[0]).await.unwrap();
    assert_eq!((report.rows_in, report.new, report.duplicates, report.parts), (4, 3, 1, 1));
    let report = lake.commit(&clicks([1, 2, 3])[0]).await.unwrap();
    assert_eq!((report.new, report.duplicates, report.written_parts), (0, 3, 0));
    let report = lake.commit(&clicks(3..=20)[0]).await.unwrap();
    assert_eq!((report.new, report.duplicates, report.compacted_parts, report.parts), (17, 1, 1, 1));
    let rows = lake.read_table(Table::Clicks).await.unwrap();
    assert_eq!(ids(&rows), (1..=20).map(|id| format!("click-{id}")).collect::<Vec<_>>());
    let times = rows[0].column_by_name("event_ts").unwrap().as_primitive::<TimestampMillisecondType>();
    assert!(times.values().is_sorted());
    assert_eq!(lake.partitions(None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn repeats_change_nothing_in_memory() {
    repeats_change_nothing("memory://test/lake").await;
}

#[tokio::test]
async fn repeats_change_nothing_in_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    repeats_change_nothing(&format!("file://{}", directory.path().display())).await;
    let manifest = directory.path().join("manifest/clicks/dt=2026-11-20/symlink.txt");
    let text = std::fs::read_to_string(manifest).unwrap();
    for uri in text.lines() {
        assert!(std::path::Path::new(uri.strip_prefix("file://").unwrap()).is_file(), "{uri}");
    }
}

/// Small row groups, so that merges handle many of them: they are copied where time ranges are disjoint and decoded
/// where they overlap.
#[tokio::test]
async fn large_and_small_merges_keep_every_row() {
    let options = LakeOptions { row_group_rows: 64, growth_factor: 0.0, ..LakeOptions::default() };
    let lake = Lake::open("memory://test", options).unwrap();
    let (mut expected, mut copied, mut compacted) = (0, 0, 0);
    for range in [0..1000, 5000..9000, 900..1100, 2000..2001, 0..9500] {
        let batch = &clicks(range.clone())[0];
        let report = lake.commit(batch).await.unwrap();
        expected += report.new;
        copied += report.copied_row_groups;
        compacted += report.compacted_parts;
        assert_eq!(report.parts, 1);
        let rows = lake.read_table(Table::Clicks).await.unwrap();
        let ids = ids(&rows);
        assert_eq!(ids.len() as u64, expected);
        let times: Vec<i64> = rows
            .iter()
            .flat_map(|batch| {
                batch.column_by_name("event_ts").unwrap().as_primitive::<TimestampMillisecondType>().values().to_vec()
            })
            .collect();
        assert!(times.is_sorted_by(|a, b| a < b), "sorted and unique after {range:?}");
    }
    assert_eq!((expected, compacted), (9500, 4));
    assert!(copied > 50, "row groups that lie apart are copied: {copied}");
    assert_eq!(lake.verify().await.unwrap().problems, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_side_by_side_lose_and_double_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("file://{}", directory.path().display());
    let writers = (0..4u32).map(|writer| {
        let url = url.clone();
        tokio::spawn(async move {
            let lake = Lake::open(&url, LakeOptions::default()).unwrap();
            for round in 0..10 {
                let batch = &clicks((0..20).map(|i| round * 20 + i * (writer + 1)))[0];
                lake.commit(batch).await.unwrap();
            }
        })
    });
    futures::future::try_join_all(writers).await.unwrap();
    let lake = Lake::open(&url, LakeOptions::default()).unwrap();
    let mut ids = ids(&lake.read_table(Table::Clicks).await.unwrap());
    let mut expected: Vec<_> = (0..4)
        .flat_map(|w| (0..10).flat_map(move |r| (0..20).map(move |i| format!("click-{}", r * 20 + i * (w + 1)))))
        .collect();
    ids.sort();
    expected.sort();
    expected.dedup();
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn only_row_groups_of_the_same_time_are_scanned() {
    let options = LakeOptions { row_group_rows: 100, growth_factor: f64::INFINITY, ..LakeOptions::default() };
    let lake = Lake::open("memory://test", options).unwrap();
    assert_eq!(lake.commit(&clicks(0..1000)[0]).await.unwrap().scanned_row_groups, 0);
    let report = lake.commit(&clicks(950..960)[0]).await.unwrap();
    assert_eq!((report.scanned_row_groups, report.duplicates), (1, 10));
    let report = lake.commit(&clicks(2000..2010)[0]).await.unwrap();
    assert_eq!((report.scanned_row_groups, report.new, report.parts), (0, 10, 2));
}

/// Sizes of the referenced parts of the only partition, in bytes.
async fn part_sizes(lake: &Lake) -> Vec<u64> {
    let partition = lake.partitions(None).await.unwrap()[0];
    let manifest = lake.store().get(&partition.manifest_path()).await.unwrap().bytes().await.unwrap();
    let mut sizes = Vec::new();
    for uri in std::str::from_utf8(&manifest).unwrap().lines() {
        let name = uri.rsplit('/').next().unwrap();
        sizes.push(lake.store().head(&partition.part_path(name)).await.unwrap().size);
    }
    sizes
}

/// Random commits, with and without rows that are already in the lake. Returns the largest number of parts and the
/// largest number of small parts after any commit.
async fn most_parts(options: &LakeOptions, small_bytes: u64) -> (usize, usize) {
    let (mut most, mut most_small) = (0, 0);
    for seed in 0..4 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let lake = Lake::open("memory://test", options.clone()).unwrap();
        for _ in 0..60 {
            let start = random.random_range(0..10_000);
            let rows = if random.random_bool(0.5) { 1..20 } else { 20..400 };
            lake.commit(&clicks(start..start + random.random_range(rows))[0]).await.unwrap();
            let sizes = part_sizes(&lake).await;
            most = most.max(sizes.len());
            most_small = most_small.max(sizes.iter().filter(|size| **size < small_bytes).count());
        }
        assert_eq!(lake.verify().await.unwrap().problems, []);
    }
    (most, most_small)
}

#[tokio::test]
async fn any_commits_leave_few_parts_and_at_most_one_small_one() {
    let small_part_bytes = 8 << 10;
    let options = LakeOptions { small_part_bytes, target_part_bytes: 48 << 10, ..LakeOptions::default() };
    let (most, most_small) = most_parts(&options, small_part_bytes).await;
    assert!((4..=8).contains(&most), "{most} parts");
    assert_eq!(most_small, 1);
    // The control: without compaction the same commits leave more.
    let options = LakeOptions { growth_factor: f64::INFINITY, ..options };
    let (most, most_small) = most_parts(&options, small_part_bytes).await;
    assert!(most > 8 && most_small > 1, "{most} parts, {most_small} of them small");
}

/// The part is large enough for a multipart upload.
#[tokio::test]
async fn large_parts_are_streamed() {
    let directory = tempfile::tempdir().unwrap();
    let options = LakeOptions { row_group_rows: 10_000, zstd_level: 0, ..LakeOptions::default() };
    let lake = Lake::open(&format!("file://{}", directory.path().display()), options).unwrap();
    let mut staging = Staging::new();
    for id in 0..30_000u32 {
        let line = format!(
            r#"{{"table":"clicks","event_ts":{},"provider":"meta","received_at":{DAY},"click_id":"{id}","kind":"k","url":"{}"}}"#,
            DAY + i64::from(id),
            "x".repeat(500)
        );
        staging.push_line(line.as_bytes()).unwrap();
    }
    let report = lake.commit(&staging.drain().unwrap()[0]).await.unwrap();
    assert!(report.bytes_written > 15_000_000);
    let verified = lake.verify().await.unwrap();
    assert_eq!(
        (verified.problems.as_slice(), verified.rows, verified.bytes),
        ([].as_slice(), 30_000, report.bytes_written)
    );
}
