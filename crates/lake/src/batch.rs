//! A [`PartitionBatch`]: rows of one partition, sorted as in a part, without duplicates.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array};
use arrow::compute::{interleave_record_batch, take};
use arrow::datatypes::{DataType, Field};
use arrow::row::Rows;

use crate::columns::{conform, event_times, rows_at_a_time};
use crate::error::LakeError;
use crate::keys::RowEncoder;
use crate::partition::Partition;
use crate::sort::{Position, sorted_unique};
use crate::tables::{ArrowSchema, Table};

/// Number of rows that [`PartitionBatch`] hands out or encodes at a time.
const CHUNK_ROWS: usize = 8192;

/// Rows of one partition. The chunks stay as they were received; an index sorts the rows by event time, then key, as
/// in a part. Of several rows with the same key, the row with the earliest `received_at` is kept.
#[derive(Clone, Debug)]
pub struct PartitionBatch {
    partition: Partition,
    chunks: Vec<RecordBatch>,
    order: Vec<Position>,
    received: u64,
    first_event_ts: i64,
    last_event_ts: i64,
    rows_at_a_time: usize,
}

impl PartitionBatch {
    /// Builds a batch. The chunks must have the table's schema, except that a text column may also be a dictionary
    /// with 16-bit keys. The rows may be in any order and contain duplicates.
    ///
    /// # Errors
    /// A row is of another day, a chunk has another schema, or there are more rows than a batch can index (2^32).
    pub fn new(partition: Partition, chunks: Vec<RecordBatch>) -> Result<Self, LakeError> {
        let (first, last) = partition.time_range();
        for chunk in &chunks {
            if !has_columns_of(partition.table, chunk) {
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
        let time = |at: Option<&Position>| -> Result<i64, LakeError> {
            let Some((chunk, row)) = at else { return Ok(first) };
            let times = batch.chunks.get(*chunk as usize).map(event_times).transpose()?.unwrap_or_default();
            Ok(times.get(*row as usize).copied().unwrap_or(first))
        };
        (batch.first_event_ts, batch.last_event_ts) = (time(batch.order.first())?, time(batch.order.last())?);
        Ok(batch)
    }

    /// The partition that all rows belong to.
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// Number of rows after duplicates were dropped.
    pub fn rows(&self) -> usize {
        self.order.len()
    }

    /// Number of rows passed to [`PartitionBatch::new`], duplicates included.
    pub fn rows_received(&self) -> u64 {
        self.received
    }

    /// Number of rows to decode at a time, so that the decoded rows fit into memory.
    pub(crate) fn rows_at_a_time(&self) -> usize {
        self.rows_at_a_time
    }

    /// First and last event time of the batch, in milliseconds since 1970.
    pub(crate) fn event_time_range(&self) -> (i64, i64) {
        (self.first_event_ts, self.last_event_ts)
    }

    /// For each row, in sort order: false if `matches` returned true for it. `matches` receives the rows with the
    /// table's schema, a few thousand at a time.
    pub(crate) fn rows_to_keep(
        &self,
        matches: impl Fn(&RecordBatch) -> Result<Vec<bool>, LakeError>,
    ) -> Result<Vec<bool>, LakeError> {
        let mask = |chunk: &RecordBatch| -> Result<Vec<bool>, LakeError> {
            let mut mask = Vec::with_capacity(chunk.num_rows());
            for start in (0..chunk.num_rows()).step_by(CHUNK_ROWS) {
                let rows = chunk.slice(start, CHUNK_ROWS.min(chunk.num_rows() - start));
                mask.extend(matches(&conform(self.partition.table, &rows)?)?);
            }
            Ok(mask)
        };
        let masks = self.chunks.iter().map(mask).collect::<Result<Vec<_>, _>>()?;
        let keep = self.order.iter().map(|(chunk, row)| {
            let mask = masks.get(*chunk as usize);
            !mask.and_then(|mask| mask.get(*row as usize)).copied().unwrap_or_default()
        });
        Ok(keep.collect())
    }

    /// The rows at the given positions of the sort order, as one batch. Text columns may be dictionaries.
    pub(crate) fn take(&self, positions: &[u32]) -> Result<RecordBatch, LakeError> {
        self.take_from(&self.chunks, positions)
    }

    /// The encoded keys of all rows, in sort order, [`CHUNK_ROWS`] at a time.
    pub(crate) fn sorted_keys(&self, encoder: &RowEncoder) -> Result<Vec<Rows>, LakeError> {
        let schema = self.partition.table.schema();
        let columns = encoder.columns().iter().map(|name| schema.index_of(name));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let chunks = self.chunks.iter().map(|chunk| chunk.project(&columns)).collect::<Result<Vec<_>, _>>()?;
        self.position_chunks().map(|positions| encoder.encode(&self.take_from(&chunks, &positions)?)).collect()
    }

    /// The positions of all rows, [`CHUNK_ROWS`] at a time.
    fn position_chunks(&self) -> impl Iterator<Item = Vec<u32>> + use<> {
        let rows = self.order.len();
        (0..rows).step_by(CHUNK_ROWS).map(move |start| (start as u32..rows.min(start + CHUNK_ROWS) as u32).collect())
    }

    /// Names of the columns that each chunk holds as nulls only, or as a dictionary with at most one text. Two chunks may
    /// have different texts.
    pub(crate) fn constant_columns(&self) -> Vec<&'static str> {
        let is_constant = |index: usize| {
            self.chunks.iter().all(|chunk| {
                let Some(column) = chunk.columns().get(index) else { return false };
                let is_single = column.as_any_dictionary_opt().is_some_and(|dictionary| dictionary.values().len() <= 1);
                is_single || column.null_count() == column.len()
            })
        };
        let columns = self.partition.table.columns().iter().enumerate();
        columns.filter(|(index, _)| is_constant(*index)).map(|(_, column)| column.name).collect()
    }

    fn take_from(&self, chunks: &[RecordBatch], positions: &[u32]) -> Result<RecordBatch, LakeError> {
        let rows = positions.iter().filter_map(|position| self.order.get(*position as usize));
        if let [chunk] = chunks {
            return take_rows(chunk, rows.map(|(_, row)| *row).collect());
        }
        let indices: Vec<(usize, usize)> = rows.map(|(chunk, row)| (*chunk as usize, *row as usize)).collect();
        let chunks: Vec<&RecordBatch> = chunks.iter().collect();
        Ok(interleave_record_batch(&chunks, &indices)?)
    }

    /// All rows in sort order with the table's schema, in batches of a few thousand.
    pub fn sorted_batches(&self) -> impl Iterator<Item = Result<RecordBatch, LakeError>> + '_ {
        self.position_chunks().map(|positions| conform(self.partition.table, &self.take(&positions)?))
    }
}

/// Whether a chunk has the columns of a table. Text columns may be dictionaries with 16-bit keys.
fn has_columns_of(table: Table, chunk: &RecordBatch) -> bool {
    let (expected, actual) = (table.schema(), chunk.schema());
    let dictionary = DataType::Dictionary(Box::new(DataType::UInt16), Box::new(DataType::Utf8));
    let fits = |(expected, actual): (&Arc<Field>, &Arc<Field>)| {
        let is_dictionary = *expected.data_type() == DataType::Utf8 && *actual.data_type() == dictionary;
        expected.name() == actual.name() && (is_dictionary || expected.data_type() == actual.data_type())
    };
    expected.fields().len() == actual.fields().len() && expected.fields().iter().zip(actual.fields()).all(fits)
}

/// Takes rows from a chunk by index. Columns that are null in all rows, which are many, are not copied.
fn take_rows(chunk: &RecordBatch, rows: Vec<u32>) -> Result<RecordBatch, LakeError> {
    let indices = UInt32Array::from(rows);
    let columns = chunk.columns().iter().map(|column| match column.null_count() == column.len() {
        true => Ok(new_null_array(column.data_type(), indices.len())),
        false => Ok(take(column, &indices, None)?),
    });
    let columns = columns.collect::<Result<Vec<_>, LakeError>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(indices.len()));
    Ok(RecordBatch::try_new_with_options(chunk.schema(), columns, &options)?)
}
