//! Sorts the rows of a batch by event time, then key, and drops duplicates.
//!
//! Most rows already differ in event time, so only rows of the same millisecond are compared by their key columns. Most
//! of these differ in eight bytes of the first key column, which are next to the event time in memory.
//! The order is that of [`RowEncoder::order`]: nulls first, texts by bytes.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Int64Type, TimestampMillisecondType, UInt16Type};
use hashbrown::HashSet;

use crate::columns::{event_times, timestamps};
use crate::error::LakeError;
use crate::keys::{EVENT_TIME, RowEncoder, is_time_in_key, sort_columns};
use crate::tables::Table;

/// Position of a row: index of its chunk, and index within the chunk.
pub(crate) type Position = (u32, u32);

/// Sorts the rows of the chunks and drops duplicates. Returns the positions, and the number of rows before duplicates
/// were dropped.
///
/// Of several rows with the same key, the one received first is kept.
pub(crate) fn sorted_unique(table: Table, chunks: &[RecordBatch]) -> Result<(Vec<Position>, u64), LakeError> {
    let mut rows = all_rows(chunks)?;
    let received = rows.len() as u64;
    let keys = chunks.iter().map(|chunk| Keys::new(table, chunk)).collect::<Result<Vec<_>, _>>()?;
    set_extracts(&keys, &mut rows);
    if !is_time_in_key(table) {
        rows = first_received(table, chunks, rows)?;
    }
    rows.sort_unstable_by(|a, b| {
        a.extract().cmp(&b.extract()).then_with(|| compare(&keys, a, b)).then_with(|| a.receipt(b))
    });
    if is_time_in_key(table) {
        rows.dedup_by(|later, earlier| {
            later.extract() == earlier.extract() && compare(&keys, later, earlier) == Ordering::Equal
        });
    }
    Ok((rows.into_iter().map(|row| row.position).collect(), received))
}

/// The values that decide the order of a row before its key columns.
struct Row {
    event_ts: i64,
    /// See [`set_extracts`].
    first_key: u64,
    received_at: i64,
    position: Position,
}

impl Row {
    /// Event time and extract of the first key. If they differ between two rows, they order them.
    fn extract(&self) -> (i64, u64) {
        (self.event_ts, self.first_key)
    }

    /// Compares by time of receipt; rows received in the same millisecond keep their input order.
    fn receipt(&self, other: &Self) -> Ordering {
        self.received_at.cmp(&other.received_at).then(self.position.cmp(&other.position))
    }
}

fn all_rows(chunks: &[RecordBatch]) -> Result<Vec<Row>, LakeError> {
    let count = chunks.iter().map(RecordBatch::num_rows).sum();
    if u32::try_from(count).is_err() {
        return Err(LakeError::Invalid("a batch has more rows than it can index".to_owned()));
    }
    let mut rows = Vec::with_capacity(count);
    for (chunk, batch) in (0_u32..).zip(chunks) {
        let times = event_times(batch)?.iter().zip(timestamps(batch, "received_at")?);
        rows.extend((0_u32..).zip(times).map(|(row, (event_ts, received_at))| Row {
            event_ts: *event_ts,
            first_key: 0,
            received_at: *received_at,
            position: (chunk, row),
        }));
    }
    Ok(rows)
}

/// Keeps the row received first of each key. For tables whose key does not contain the event time: there duplicates
/// are not necessarily neighbours in sort order.
fn first_received(table: Table, chunks: &[RecordBatch], mut rows: Vec<Row>) -> Result<Vec<Row>, LakeError> {
    let encoder = RowEncoder::key(table)?;
    let encoded = chunks.iter().map(|chunk| encoder.encode(chunk)).collect::<Result<Vec<_>, _>>()?;
    rows.sort_unstable_by(Row::receipt);
    let mut seen = HashSet::with_capacity(rows.len());
    rows.retain(|row| {
        let (chunk, index) = row.position;
        encoded.get(chunk as usize).is_none_or(|keys| seen.insert(keys.row(index as usize)))
    });
    Ok(rows)
}

/// The key columns of a chunk, except the event time.
struct Keys<'a>(Vec<KeyColumn<'a>>);

enum KeyColumn<'a> {
    Text(&'a StringArray),
    Dictionary(&'a DictionaryArray<UInt16Type>, &'a StringArray),
    Int(Int64Array),
}

impl<'a> Keys<'a> {
    fn new(table: Table, chunk: &'a RecordBatch) -> Result<Self, LakeError> {
        let names = sort_columns(table).into_iter().filter(|name| *name != EVENT_TIME);
        let columns = names.map(|name| {
            let column = chunk.column_by_name(name).and_then(KeyColumn::new);
            column.ok_or_else(|| LakeError::Invalid(format!("a batch has no key column {name}")))
        });
        columns.collect::<Result<_, _>>().map(Self)
    }
}

impl<'a> KeyColumn<'a> {
    fn new(column: &'a ArrayRef) -> Option<Self> {
        match column.data_type() {
            DataType::Utf8 => column.as_string_opt::<i32>().map(Self::Text),
            DataType::Dictionary(..) => {
                let dictionary = column.as_dictionary_opt::<UInt16Type>()?;
                Some(Self::Dictionary(dictionary, dictionary.values().as_string_opt::<i32>()?))
            }
            DataType::Int64 => column.as_primitive_opt::<Int64Type>().cloned().map(Self::Int),
            DataType::Timestamp(..) => {
                let times = column.as_primitive_opt::<TimestampMillisecondType>()?;
                Some(Self::Int(Int64Array::new(times.values().clone(), times.nulls().cloned())))
            }
            _ => None,
        }
    }

    fn text(&self, row: usize) -> Option<&str> {
        match self {
            Self::Text(texts) => texts.is_valid(row).then(|| texts.value(row)),
            Self::Dictionary(keys, values) => keys.key(row).map(|key| values.value(key)),
            Self::Int(_) => None,
        }
    }

    fn int(&self, row: usize) -> Option<i64> {
        match self {
            Self::Int(values) => values.is_valid(row).then(|| values.value(row)),
            _ => None,
        }
    }
}

/// Sets `first_key` to the eight bytes of the first key text that follow what all texts begin with, as message ids all
/// begin with the same letters. The order of these numbers is that of the texts; equal numbers decide nothing. It stays
/// 0 if the first key is no text or null.
fn set_extracts(keys: &[Keys<'_>], rows: &mut [Row]) {
    let text = |row: &Row| {
        let column = keys.get(row.position.0 as usize)?.0.first()?;
        column.text(row.position.1 as usize).map(str::as_bytes)
    };
    let mut texts = rows.iter().filter_map(text);
    let Some(first) = texts.next() else { return };
    let common = texts.fold(first, |common, text| {
        let length = common.iter().zip(text).take_while(|(a, b)| a == b).count();
        common.get(..length).unwrap_or_default()
    });
    let skipped = common.len();
    for row in rows {
        let rest = text(row).and_then(|text| text.get(skipped..)).unwrap_or_default();
        let mut extract = [0; 8];
        extract.iter_mut().zip(rest).for_each(|(to, byte)| *to = *byte);
        row.first_key = u64::from_be_bytes(extract);
    }
}

/// Compares two rows by their key columns.
fn compare(keys: &[Keys<'_>], a: &Row, b: &Row) -> Ordering {
    let (Some(of_a), Some(of_b)) = (keys.get(a.position.0 as usize), keys.get(b.position.0 as usize)) else {
        return Ordering::Equal;
    };
    let (a, b) = (a.position.1 as usize, b.position.1 as usize);
    let mut columns = of_a.0.iter().zip(&of_b.0).map(|(left, right)| match (left, right) {
        (KeyColumn::Int(_), KeyColumn::Int(_)) => left.int(a).cmp(&right.int(b)),
        _ => left.text(a).cmp(&right.text(b)),
    });
    columns.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::batch::PartitionBatch;
    use crate::staging::Staging;

    const RECEIVED: i64 = 1_795_132_800_000;

    proptest! {
        /// Ids that begin alike, contain one another, and have bytes that a comparison of numbers could order wrongly, in
        /// one chunk or two.
        #[test]
        fn rows_are_in_the_order_of_their_texts(
            beginning in "(wamid\\.é?)?",
            rows in prop::collection::vec((0_i64..3, "[ab\u{0}\u{7f}é😀]{0,11}", 0_i64..3, any::<bool>()), 1..60),
        ) {
            let mut stagings = [Staging::new(), Staging::new()];
            let mut expected = BTreeMap::new();
            for (earlier, id, later, chunk) in rows {
                let (event_ts, received_at, id) = (RECEIVED + earlier, RECEIVED + later, format!("{beginning}{id}"));
                let line = serde_json::json!({
                    "table": "clicks", "event_ts": event_ts, "provider": "meta", "received_at": received_at,
                    "click_id": id, "kind": "k",
                });
                stagings[usize::from(chunk)].push_line(line.to_string().as_bytes()).unwrap();
                let first = expected.entry((event_ts, id.into_bytes())).or_insert(received_at);
                *first = received_at.min(*first);
            }
            let batches: Vec<_> = stagings.iter_mut().flat_map(|staging| staging.drain().unwrap()).collect();
            let partition = batches[0].partition();
            let chunks = batches.iter().flat_map(PartitionBatch::sorted_batches).map(Result::unwrap).collect();
            let mut found = Vec::new();
            for rows in PartitionBatch::new(partition, chunks).unwrap().sorted_batches() {
                let rows = rows.unwrap();
                let ids = rows.column_by_name("click_id").unwrap().as_string::<i32>().iter();
                let times = event_times(&rows).unwrap().iter().zip(timestamps(&rows, "received_at").unwrap());
                found.extend(times.zip(ids).map(|((event, received), id)| {
                    ((*event, id.unwrap().as_bytes().to_vec()), *received)
                }));
            }
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        }
    }
}
