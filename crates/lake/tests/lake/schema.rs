//! Parts of other versions: columns that an older part lacks are null, and columns that only a newer version knows
//! are kept.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use bluetick_lake::{ArrowSchema, Lake, LakeOptions, PartitionBatch, Staging, Table};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ArrowWriter;

const DAY: i64 = 1_795_132_800_000;

fn messages(ids: std::ops::Range<u32>) -> PartitionBatch {
    let mut staging = Staging::new();
    for id in ids {
        let time = DAY + i64::from(id);
        let line = format!(
            r#"{{"table":"messages","event_ts":{time},"provider":"meta","received_at":{time},"message_id":"{id:05}","type":"text"}}"#
        );
        staging.push_line(line.as_bytes()).unwrap();
    }
    staging.drain().unwrap().pop().unwrap()
}

/// Adds a part that another version wrote to the lake.
async fn plant(store: &InMemory, batch: &RecordBatch) {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    let name = "data/messages/dt=2026-11-20/0198c0de-0000-7000-8000-000000000000.parquet";
    store.put(&Path::parse(name).unwrap(), bytes.into()).await.unwrap();
    let manifest = Path::parse("manifest/messages/dt=2026-11-20/symlink.txt").unwrap();
    store.put(&manifest, format!("memory://test/{name}\n").into()).await.unwrap();
}

fn lake(store: &Arc<InMemory>) -> Lake {
    let store: Arc<dyn ObjectStore> = Arc::<InMemory>::clone(store);
    Lake::with_store(store, "memory://test", LakeOptions { growth_factor: 0.0, ..LakeOptions::default() })
}

#[tokio::test]
async fn columns_that_an_older_file_lacks_are_null() {
    let store = Arc::new(InMemory::new());
    let old = messages(0..10).sorted_batches().next().unwrap().unwrap();
    let kept: Vec<usize> = ["message_id", "event_ts", "provider", "received_at", "statement_hash"]
        .map(|name| old.schema().index_of(name).unwrap())
        .to_vec();
    plant(&store, &old.project(&kept).unwrap()).await;

    let lake = lake(&store);
    let report = lake.commit(&messages(5..15)).await.unwrap();
    assert_eq!((report.new, report.duplicates, report.compacted_parts, report.parts), (5, 5, 1, 1));
    let rows = lake.read_table(Table::Messages).await.unwrap();
    let types: Vec<Option<String>> = rows
        .iter()
        .flat_map(|batch| {
            let column = batch.column_by_name("type").unwrap().as_string::<i32>();
            column.iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(types.len(), 15);
    assert!(types[..10].iter().all(Option::is_none) && types[10..].iter().all(|text| text.as_deref() == Some("text")));
    assert_eq!(lake.verify().await.unwrap().problems, []);
}

#[tokio::test]
async fn columns_of_a_newer_version_are_not_lost() {
    let store = Arc::new(InMemory::new());
    let batch = messages(0..10).sorted_batches().next().unwrap().unwrap();
    let mut columns: Vec<(String, ArrayRef, bool)> = batch
        .schema()
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, column)| (field.name().clone(), Arc::clone(column), field.is_nullable()))
        .collect();
    columns.push(("mood".to_owned(), Arc::new(StringArray::from(vec!["glad"; 10])), true));
    plant(&store, &RecordBatch::try_from_iter_with_nullable(columns).unwrap()).await;

    let lake = lake(&store);
    let report = lake.commit(&messages(5..15)).await.unwrap();
    assert_eq!((report.new, report.duplicates, report.compacted_parts, report.parts), (5, 5, 0, 2));
    let rows = lake.read_table(Table::Messages).await.unwrap();
    assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 15);
    assert!(rows.iter().all(|batch| batch.schema() == Table::Messages.schema()));
    assert_eq!(rows[0].column_by_name("wa_id").unwrap().null_count(), rows[0].num_rows());
}
