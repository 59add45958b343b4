//! In pseudonymised mode, a phone number planted anywhere in a webhook occurs neither in the raw lines nor in any
//! object of the lake.

use std::path::Path as FilePath;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bluetick_events::{Options, Provider, PseudonymKey, flatten};
use bluetick_lake::{Lake, LakeOptions, Table};
use bluetick_transform::batch::{DEFAULT_FLUSH_BYTES, Transform};
use bluetick_transform::raw::Source;
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// 2026-11-20T12:00:00Z, after the events of all fixtures.
const RECEIVED_AT: i64 = 1_795_176_000_000;

const SPELLINGS: [&str; 6] = [
    "491701234567",
    "+49 170 1234567",
    "call 0049 170-123 45 67 now",
    "491701234567:12@s.whatsapp.net",
    "https://example.com/?to=%2B49%20170%201234567&x=1",
    "wamid.HBgMNDkxNzAxMjM0NTY3FQIAERgSQjYxRjk5RDBFMkJDQkY5NEY4AA==",
];

/// Each fixture with the number planted in one of its texts, for each text and each spelling.
fn bodies() -> Vec<(Provider, Vec<u8>)> {
    let fixtures = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../events/fixtures");
    let mut bodies = Vec::new();
    for provider in Provider::ALL {
        let mut files: Vec<_> =
            std::fs::read_dir(fixtures.join(provider.name())).unwrap().map(|file| file.unwrap().path()).collect();
        files.retain(|path| {
            path.to_str().is_some_and(|name| name.ends_with(".json") && !name.ends_with(".records.json"))
        });
        files.sort();
        for (number, path) in files.iter().enumerate() {
            let Ok(body) = serde_json::from_slice::<Value>(&std::fs::read(path).unwrap()) else { continue };
            for (turn, spelling) in SPELLINGS.into_iter().enumerate() {
                let mut planted = body.clone();
                let mut texts = Vec::new();
                collect_texts(&mut planted, &mut texts);
                let count = texts.len().max(1);
                if let Some(text) = texts.into_iter().nth((number + turn * 7) % count) {
                    *text = spelling.to_owned();
                }
                bodies.push((provider, planted.to_string().into_bytes()));
            }
        }
    }
    bodies
}

fn collect_texts<'v>(value: &'v mut Value, texts: &mut Vec<&'v mut String>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter_mut().for_each(|item| collect_texts(item, texts)),
        // Skip members for times and error codes: they become integers.
        Value::Object(members) => {
            let members = members.iter_mut().filter(|(name, _)| {
                !["time", "code", "_at", "utc"].iter().any(|word| name.to_lowercase().contains(word))
            });
            members.for_each(|(_, item)| collect_texts(item, texts));
        }
        _ => {}
    }
}

fn shows_number(text: &str) -> bool {
    let decoded = percent_decode_str(text).decode_utf8_lossy().into_owned();
    [text, &decoded].into_iter().any(|text| {
        let digits: String = text.chars().filter(|c| c.is_ascii_alphanumeric() || "_\":,".contains(*c)).collect();
        digits.contains("491701234567") || text.contains("HBgMNDkxNzAxMjM0NTY3")
    })
}

fn texts(batch: &RecordBatch) -> impl Iterator<Item = String> {
    let columns = batch.columns().iter().filter(|column| !matches!(column.data_type(), DataType::Timestamp(..)));
    columns.flat_map(|column| {
        let formatter = ArrayFormatter::try_new(column, &FormatOptions::default()).unwrap();
        (0..column.len()).map(move |row| formatter.value(row).to_string()).collect::<Vec<_>>()
    })
}

/// The raw lines of all bodies, and everything that the lake contains of them: lines, rows, and other objects as
/// text.
async fn everything(options: &Options) -> (Vec<String>, Vec<String>, u64) {
    let mut lines = Vec::new();
    for (provider, body) in bodies() {
        flatten(provider, &body, RECEIVED_AT, options)
            .unwrap()
            .records
            .iter()
            .for_each(|record| record.write_line(&mut lines));
    }
    let raw_lines = String::from_utf8(lines.clone()).unwrap().lines().map(str::to_owned).collect();
    let raw: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    raw.put(&Path::from("raw/object"), lines.into()).await.unwrap();
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let lake = Lake::with_store(Arc::clone(&store), "memory://lake", LakeOptions::default());
    let transform = Transform::new(lake, DEFAULT_FLUSH_BYTES);
    let report = transform.run(&[Source::stored(raw, Path::from("raw/object"))], None, |_| {}).await;
    assert!(report.failed.is_empty() && report.is_conserved(), "{report:?}");
    let mut shown = Vec::new();
    for table in Table::ALL {
        let rows = transform.lake().read_table(table).await.unwrap();
        assert!(rows.iter().any(|batch| batch.num_rows() > 0), "{table} has rows");
        shown.extend(rows.iter().flat_map(texts));
    }
    for object in store.list(None).try_collect::<Vec<_>>().await.unwrap() {
        shown.push(object.location.to_string());
        if !object.location.as_ref().starts_with("data/") {
            let content = store.get(&object.location).await.unwrap().bytes().await.unwrap();
            shown.push(String::from_utf8_lossy(&content).into_owned());
        }
    }
    (raw_lines, shown, report.new)
}

#[tokio::test]
async fn no_number_stands_in_raw_lines_and_lake() {
    let options = Options { pseudonym_key: PseudonymKey::new(b"a key"), keep_response_json: true };
    let (raw_lines, shown, rows) = everything(&options).await;
    assert!(rows > 500, "{rows} rows");
    for text in raw_lines.iter().chain(&shown) {
        assert!(!shows_number(text), "{text}");
    }
    let (_, shown, _) = everything(&Options { keep_response_json: true, ..Options::default() }).await;
    let visible = shown.iter().filter(|text| shows_number(text)).count();
    assert!(visible > 300, "control: without a key {visible} texts show it");
}
