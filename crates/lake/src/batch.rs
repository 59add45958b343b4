//! Batches: rows of one partition, in the order of a part, without repeats.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::TimestampMillisecondType;
use arrow::row::{RowConverter, Rows, SortField};

use crate::erasures::Erasures;
use crate::error::LakeError;
use crate::part::rows_at_a_time;
use crate::partition::Partition;
use crate::tables::{ArrowSchema, Table};

/// Name of the column that decides the partition.
pub(crate) const EVENT_TIME: &str = "event_ts";

/// Columns by which the rows of a part are sorted: event time, then the key.
pub(crate) fn sort_columns(table: Table) -> Vec<&'static str> {
    let rest = table.key().iter().copied().filter(|name| *name != EVENT_TIME);
    std::iter::once(EVENT_TIME).chain(rest).collect()
}

/// Turns some columns of a table into byte strings that compare as the columns do, and are equal only if those are.
pub(crate) struct RowEncoder {
    converter: RowConverter,
    columns: Vec<&'static str>,
}

impl RowEncoder {
    /// Encodes the key: what makes two rows the same event.
    pub(crate) fn key(table: Table) -> Result<Self, LakeError> {
        Self::new(table, table.key().to_vec())
    }

    /// Encodes the order of a part.
    pub(crate) fn order(table: Table) -> Result<Self, LakeError> {
        Self::new(table, sort_columns(table))
    }

    fn new(table: Table, columns: Vec<&'static str>) -> Result<Self, LakeError> {
        let schema = table.schema();
        let fields = columns.iter().map(|name| Ok(SortField::new(schema.field_with_name(name)?.data_type().clone())));
        let converter = RowConverter::new(fields.collect::<Result<_, LakeError>>()?)?;
        Ok(Self { converter, columns })
    }

    /// Names of the columns that it needs.
    pub(crate) fn columns(&self) -> &[&'static str] {
        &self.columns
    }

    /// Encodes each row of a batch that has these columns.
    pub(crate) fn encode(&self, batch: &RecordBatch) -> Result<Rows, LakeError> {
        Ok(self.converter.convert_columns(&named_columns(batch, &self.columns)?)?)
    }

    fn encode_all(&self, batches: &[RecordBatch]) -> Result<Rows, LakeError> {
        let rows = batches.iter().map(RecordBatch::num_rows).sum();
        let mut encoded = self.converter.empty_rows(rows, 0);
        for batch in batches {
            self.converter.append(&mut encoded, &named_columns(batch, &self.columns)?)?;
        }
        Ok(encoded)
    }
}

fn named_columns(batch: &RecordBatch, names: &[&str]) -> Result<Vec<ArrayRef>, LakeError> {
    names
        .iter()
        .map(|name| {
            let column = batch.column_by_name(name);
            column.cloned().ok_or_else(|| LakeError::Invalid(format!("a batch has no column {name}")))
        })
        .collect()
}

/// The event times of a batch, in milliseconds since 1970.
pub(crate) fn event_times(batch: &RecordBatch) -> Result<&[i64], LakeError> {
    timestamps(batch, EVENT_TIME)
}

/// The values of a timestamp column; where it is null the value means nothing.
pub(crate) fn timestamps<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a [i64], LakeError> {
    let column = batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<TimestampMillisecondType>());
    let column = column.ok_or_else(|| LakeError::Invalid(format!("a batch has no time column {name}")))?;
    Ok(column.values())
}

/// Rows taken at a time from a batch.
const CHUNK_ROWS: usize = 8192;

/// Rows of one partition. They stay where they were read; an index holds their order, which is that of a part: event
/// time, then key. Of rows with the same key the one that was received first is kept.
#[derive(Clone, Debug)]
pub struct PartitionBatch {
    partition: Partition,
    chunks: Vec<RecordBatch>,
    order: Vec<(u32, u32)>,
    received: u64,
    first_event_ts: i64,
    last_event_ts: i64,
    rows_at_a_time: usize,
}

impl PartitionBatch {
    /// A batch of the given rows, which have the table's schema, in any order, repeats included.
    ///
    /// # Errors
    /// A row that belongs to another day, another schema, or more rows than a batch can index.
    pub fn new(partition: Partition, chunks: Vec<RecordBatch>) -> Result<Self, LakeError> {
        let schema = partition.table.schema();
        let (first, last) = partition.time_range()?;
        for chunk in &chunks {
            if chunk.schema() != schema {
                return Err(LakeError::Invalid(format!("a batch for {partition} has another schema")));
            }
            if event_times(chunk)?.iter().any(|time| *time < first || *time > last) {
                return Err(LakeError::Invalid(format!("a batch for {partition} has rows of another day")));
            }
        }
        let (order, received) = sorted_unique(partition.table, &chunks)?;
        let bytes = chunks.iter().map(RecordBatch::get_array_memory_size).sum();
        let rows_at_a_time = rows_at_a_time(chunks.iter().map(RecordBatch::num_rows).sum(), bytes);
        let mut batch =
            Self { partition, chunks, order, received, first_event_ts: 0, last_event_ts: 0, rows_at_a_time };
        let time = |at: Option<&(u32, u32)>| -> Result<i64, LakeError> {
            let Some((chunk, row)) = at else { return Ok(first) };
            let times = batch.chunks.get(*chunk as usize).map(event_times).transpose()?.unwrap_or_default();
            Ok(times.get(*row as usize).copied().unwrap_or(first))
        };
        (batch.first_event_ts, batch.last_event_ts) = (time(batch.order.first())?, time(batch.order.last())?);
        Ok(batch)
    }

    /// Where the rows belong.
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// Rows left after repeats inside the batch were dropped.
    pub fn rows(&self) -> usize {
        self.order.len()
    }

    /// Rows that were put in, repeats included.
    pub fn rows_received(&self) -> u64 {
        self.received
    }

    /// How many rows to take at a time.
    pub(crate) fn rows_at_a_time(&self) -> usize {
        self.rows_at_a_time
    }

    /// First and last event time, in milliseconds since 1970.
    pub(crate) fn event_time_range(&self) -> (i64, i64) {
        (self.first_event_ts, self.last_event_ts)
    }

    /// For each row in its order: false if it is of a person to forget.
    pub(crate) fn rows_to_keep(&self, erasures: &Erasures) -> Result<Vec<bool>, LakeError> {
        if erasures.is_empty() {
            return Ok(vec![true; self.order.len()]);
        }
        let forgotten = self.chunks.iter().map(|chunk| erasures.matches(chunk)).collect::<Result<Vec<_>, _>>()?;
        let keep = self.order.iter().map(|(chunk, row)| {
            let mask = forgotten.get(*chunk as usize);
            !mask.and_then(|mask| mask.get(*row as usize)).copied().unwrap_or_default()
        });
        Ok(keep.collect())
    }

    /// The rows at the given positions of the order, as one batch.
    pub(crate) fn take(&self, positions: &[u32]) -> Result<RecordBatch, LakeError> {
        self.take_from(&self.chunks, positions)
    }

    /// The encoded keys of all rows in their order, some thousand at a time.
    pub(crate) fn sorted_keys(&self, encoder: &RowEncoder) -> Result<Vec<Rows>, LakeError> {
        let schema = self.partition.table.schema();
        let columns = encoder.columns().iter().map(|name| schema.index_of(name));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let chunks = self.chunks.iter().map(|chunk| chunk.project(&columns)).collect::<Result<Vec<_>, _>>()?;
        self.position_chunks().map(|positions| encoder.encode(&self.take_from(&chunks, &positions)?)).collect()
    }

    /// The positions of all rows, some thousand at a time.
    fn position_chunks(&self) -> impl Iterator<Item = Vec<u32>> + use<> {
        let rows = self.order.len();
        (0..rows).step_by(CHUNK_ROWS).map(move |start| (start as u32..rows.min(start + CHUNK_ROWS) as u32).collect())
    }

    fn take_from(&self, chunks: &[RecordBatch], positions: &[u32]) -> Result<RecordBatch, LakeError> {
        let indices: Vec<(usize, usize)> = positions
            .iter()
            .filter_map(|position| self.order.get(*position as usize))
            .map(|(chunk, row)| (*chunk as usize, *row as usize))
            .collect();
        let chunks: Vec<&RecordBatch> = chunks.iter().collect();
        Ok(interleave_record_batch(&chunks, &indices)?)
    }

    /// All rows in their order, some thousand at a time.
    pub fn sorted_batches(&self) -> impl Iterator<Item = Result<RecordBatch, LakeError>> + '_ {
        self.position_chunks().map(|positions| self.take(&positions))
    }
}

type Order = Vec<(u32, u32)>;

/// The order of the rows without repeats, and how many rows there were.
fn sorted_unique(table: Table, chunks: &[RecordBatch]) -> Result<(Order, u64), LakeError> {
    let mut places: Order = Vec::new();
    let mut received_at: Vec<i64> = Vec::new();
    for (chunk, batch) in chunks.iter().enumerate() {
        let chunk = u32::try_from(chunk).map_err(|error| LakeError::Invalid(error.to_string()))?;
        let rows = u32::try_from(batch.num_rows()).map_err(|error| LakeError::Invalid(error.to_string()))?;
        places.extend((0..rows).map(|row| (chunk, row)));
        received_at.extend(timestamps(batch, "received_at")?);
    }
    let received = places.len() as u64;
    if u32::try_from(places.len()).is_err() {
        return Err(LakeError::Invalid("a batch holds more rows than it can index".to_owned()));
    }
    let sort_keys = RowEncoder::order(table)?.encode_all(chunks)?;
    let mut order: Vec<usize> = (0..places.len()).collect();
    let receipt = |row: usize| received_at.get(row).copied().unwrap_or_default();
    order.sort_unstable_by(|a, b| {
        let keys = sort_keys.row(*a).cmp(&sort_keys.row(*b));
        keys.then_with(|| receipt(*a).cmp(&receipt(*b))).then_with(|| a.cmp(b))
    });
    if table.key().contains(&EVENT_TIME) {
        order.dedup_by(|later, earlier| sort_keys.row(*later) == sort_keys.row(*earlier));
    } else {
        drop(sort_keys);
        let keys = RowEncoder::key(table)?.encode_all(chunks)?;
        let mut seen = HashSet::with_capacity(order.len());
        order.retain(|row| seen.insert(keys.row(*row)));
    }
    Ok((order.into_iter().filter_map(|row| places.get(row).copied()).collect(), received))
}

/// A batch with the table's columns: those that an older file lacks are null. `Err` holds the name of a column that the
/// table does not have, or that has another type.
pub(crate) fn conform(table: Table, batch: &RecordBatch) -> Result<RecordBatch, LakeError> {
    let schema = table.schema();
    if batch.schema() == schema {
        return Ok(batch.clone());
    }
    let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
        None => Ok(arrow::array::new_null_array(field.data_type(), batch.num_rows())),
        Some(column) if column.data_type() == field.data_type() => Ok(Arc::clone(column)),
        Some(column) => Ok(arrow::compute::cast(column, field.data_type())?),
    });
    Ok(RecordBatch::try_new(Arc::clone(&schema), columns.collect::<Result<_, LakeError>>()?)?)
}
