//! Reads rows from the store with only the Parquet library, independently of the lake's own reader.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use arrow::array::AsArray;
use arrow::datatypes::TimestampMillisecondType;
use bluetick_lake::{Invariant, PartitionBatch, Staging};

use bytes::Bytes;
use futures::{FutureExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{Break, Broken};

/// The URI of the lake in these tests.
pub const BASE: &str = "memory://model";

/// 2026-11-20 00:00 UTC in milliseconds.
pub const DAY: i64 = 1_795_132_800_000;
const DAY_MS: i64 = 86_400_000;

/// An event of the model. Its number determines all of its values.
pub type Event = u32;

/// Number of persons. Each event belongs to one of them.
pub const PERSONS: u32 = 5;

pub fn person(event: Event) -> String {
    format!("49170000000{}", event % PERSONS)
}

pub fn event_id(event: Event) -> String {
    format!("event-{event}")
}

fn event_of(id: &str) -> Event {
    id.strip_prefix("event-").unwrap().parse().unwrap()
}

/// The NDJSON line of an event. One third are messages of one day, one third messages of the next day, one third
/// sends.
pub fn line(event: Event) -> String {
    let (table, day) = match event % 3 {
        0 => ("messages", DAY),
        1 => ("messages", DAY + DAY_MS),
        _ => ("sends", DAY),
    };
    let time = day + i64::from(event / 3 % 7) * 1000;
    format!(
        r#"{{"table":"{table}","event_ts":{time},"provider":"meta","received_at":{time},"message_id":"{id}","wa_id":"{person}"}}"#,
        id = event_id(event),
        person = person(event),
    )
}

/// The batches with these events.
pub fn batches(events: &[Event]) -> Vec<PartitionBatch> {
    let mut staging = Staging::new();
    for event in events {
        staging.push_line(line(*event).as_bytes()).unwrap();
    }
    staging.drain().unwrap()
}

/// The partition of an event, as the folder of its manifest.
pub fn folder(event: Event) -> &'static str {
    match event % 3 {
        0 => "messages/dt=2026-11-20",
        1 => "messages/dt=2026-11-21",
        _ => "sends/dt=2026-11-20",
    }
}

pub const FOLDERS: [&str; 3] = ["messages/dt=2026-11-20", "messages/dt=2026-11-21", "sends/dt=2026-11-20"];

pub fn manifest_path(folder: &str) -> Path {
    Path::parse(format!("manifest/{folder}/symlink.txt")).unwrap()
}

/// The paths listed in a manifest.
pub fn referenced(text: &str) -> Vec<Path> {
    assert!(text.is_empty() || text.ends_with('\n'), "a manifest ends with a newline");
    text.lines().map(|line| Path::parse(line.strip_prefix(BASE).unwrap().trim_start_matches('/')).unwrap()).collect()
}

/// The events in a part, in order. Panics if they are not sorted.
pub fn events_in(bytes: Bytes) -> Vec<Event> {
    let mut events = Vec::new();
    let mut last = None;
    for batch in ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap() {
        let batch = batch.unwrap();
        let column = batch.column_by_name("message_id").unwrap();
        let times = batch.column_by_name("event_ts").unwrap().as_primitive::<TimestampMillisecondType>();
        for (id, time) in column.as_string::<i32>().iter().zip(times.values()) {
            let key = Some((*time, id.unwrap().to_owned()));
            assert!(last <= key, "rows of a part are out of order");
            last = key;
            events.push(event_of(id.unwrap()));
        }
    }
    events
}

/// Reads the state of a store between two steps of a schedule. Parts never change, so each is decoded only once.
#[derive(Default)]
pub struct Snapshots {
    parts: HashMap<Path, Vec<Event>>,
}

impl Snapshots {
    /// The events that each partition currently contains, or the violated invariant.
    pub fn read(&mut self, store: &InMemory) -> Result<BTreeMap<&'static str, BTreeSet<Event>>, Broken> {
        let mut state = BTreeMap::new();
        for folder in FOLDERS {
            let text = match store.get(&manifest_path(folder)).now_or_never().unwrap() {
                Ok(got) => got.bytes().now_or_never().unwrap().unwrap(),
                Err(_) => continue,
            };
            let mut shown = BTreeSet::new();
            for path in referenced(std::str::from_utf8(&text).unwrap()) {
                if store.head(&path).now_or_never().unwrap().is_err() {
                    return Invariant::ReferencedPartsExist.broken(format!("{folder} references a missing part"));
                }
                for event in self.events(store, &path) {
                    if !shown.insert(*event) {
                        return Invariant::RowsAreUnique.broken(format!("{folder} shows event {event} twice"));
                    }
                }
            }
            state.insert(folder, shown);
        }
        Ok(state)
    }

    /// The events of an existing part.
    pub fn events(&mut self, store: &InMemory, path: &Path) -> &[Event] {
        self.parts.entry(path.clone()).or_insert_with(|| {
            let got = store.get(path).now_or_never().unwrap().unwrap();
            events_in(got.bytes().now_or_never().unwrap().unwrap())
        })
    }
}

/// All events in the store that manifests reference.
pub fn all_events(store: &InMemory) -> BTreeSet<Event> {
    Snapshots::default().read(store).unwrap().into_values().flatten().collect()
}

/// Number of parts in the store, referenced or not.
pub fn parts_stored(store: &InMemory) -> usize {
    let listed = store.list(Some(&Path::from("data"))).try_collect::<Vec<_>>();
    listed.now_or_never().unwrap().unwrap().len()
}
