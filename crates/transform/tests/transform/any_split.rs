//! Property: the same webhooks yield the same rows, regardless of order, duplicates, division into raw objects,
//! compression, and number of concurrent workers.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path as FilePath;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bluetick_events::{Options, Provider, flatten};
use bluetick_lake::{Lake, LakeOptions, Table};
use bluetick_transform::batch::{BatchReport, Transform};
use bluetick_transform::raw::Source;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use proptest::prelude::*;
use proptest::sample::{Index, SizeRange};

/// Time of receipt of every webhook: 10 October 2026.
const RECEIVED: i64 = 1_791_590_400_000;

/// The lines of each sample webhook.
fn webhooks() -> Vec<Vec<u8>> {
    let bodies = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../../events/bodies");
    let mut paths: Vec<_> = std::fs::read_dir(bodies).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: &FilePath| {
        let provider: Provider =
            path.file_stem().unwrap().to_str().unwrap().split('_').next().unwrap().parse().unwrap();
        let mut lines = Vec::new();
        for record in flatten(provider, &std::fs::read(path).unwrap(), RECEIVED, &Options::default()).unwrap().records {
            record.write_line(&mut lines);
        }
        lines
    };
    paths.iter().map(|path| read(path)).collect()
}

/// Table and key of every row as text. Times outside the key may differ: of two webhooks with the same report, the row
/// that was committed first is kept, or, if both are in one batch, the row that was received first.
async fn rows(lake: &Lake) -> BTreeSet<String> {
    let mut rows = BTreeSet::new();
    for table in Table::ALL {
        for batch in lake.read_table(table).await.unwrap() {
            let options = FormatOptions::default();
            // Times are compared as numbers; formatting them would need a time zone database.
            let number = |column: &ArrayRef| match column.data_type() {
                DataType::Timestamp(..) => arrow::compute::cast(column, &DataType::Int64).unwrap(),
                _ => Arc::clone(column),
            };
            let keys: Vec<_> = table.key().iter().map(|name| number(batch.column_by_name(name).unwrap())).collect();
            let formatters: Vec<_> =
                keys.iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
            for row in 0..batch.num_rows() {
                let key: Vec<String> = formatters.iter().map(|formatter| formatter.value(row).to_string()).collect();
                assert!(rows.insert(format!("{table} {}", key.join(" "))), "a row occurs twice");
            }
        }
    }
    rows
}

/// Commits the rows of these raw objects to a new lake, with `workers` concurrent workers. Returns the rows of the lake
/// and the sum of the workers' reports.
fn transform(objects: &[Vec<u8>], workers: usize, flush_bytes: usize) -> (BTreeSet<String>, BatchReport) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let mut shares: Vec<Vec<Source>> = vec![Vec::new(); workers];
        for (number, object) in objects.iter().enumerate() {
            let path = Path::from(format!("raw/{number}"));
            store.put(&path, object.clone().into()).await.unwrap();
            shares[number % workers].push(Source::stored(Arc::clone(&store), path));
        }
        let lake = Lake::open("memory://lake", LakeOptions::default()).unwrap();
        let transform = Arc::new(Transform::new(lake, flush_bytes));
        let running: Vec<_> = shares
            .into_iter()
            .map(|share| {
                let transform = Arc::clone(&transform);
                tokio::spawn(async move { transform.run(&share, None, |_| {}).await })
            })
            .collect();
        let mut total = BatchReport::default();
        for worker in running {
            let report = worker.await.unwrap();
            assert!(report.failed.is_empty() && report.is_conserved(), "{report:?}");
            total += &report;
        }
        (rows(transform.lake()).await, total)
    })
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_same_webhooks_give_the_same_rows(
        repeats in prop::collection::vec(any::<Index>(), SizeRange::from(0..60)),
        order in any::<u64>(),
        objects in 1_usize..12,
        workers in 1_usize..=4,
        compressed: bool,
        flush_bytes in prop::sample::select(vec![1, 4_000, 1 << 20]),
    ) {
        let webhooks = webhooks();
        let (expected, alone) = transform(&[webhooks.concat()], 1, 1 << 20);
        prop_assert_eq!(alone.new, expected.len() as u64);

        let mut delivered = webhooks.clone();
        delivered.extend(repeats.iter().map(|index| index.get(&webhooks).clone()));
        let mut state = order;
        for last in (1..delivered.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            delivered.swap(last, (state >> 33) as usize % (last + 1));
        }
        let mut split = vec![Vec::new(); objects];
        for (number, lines) in delivered.iter().enumerate() {
            split[number * objects / delivered.len()].extend_from_slice(lines);
        }
        let split: Vec<_> = split.iter().map(|lines| if compressed { gzip(lines) } else { lines.clone() }).collect();
        let (rows, report) = transform(&split, workers, flush_bytes);
        prop_assert_eq!(&rows, &expected);
        prop_assert_eq!(report.new, expected.len() as u64);
    }
}

/// Control: the comparison detects a missing webhook.
#[test]
fn a_missing_webhook_is_detected() {
    let webhooks = webhooks();
    let (all, _) = transform(&[webhooks.concat()], 1, 1 << 20);
    let (fewer, _) = transform(&[webhooks[1..].concat()], 1, 1 << 20);
    assert_ne!(all, fewer);
}
