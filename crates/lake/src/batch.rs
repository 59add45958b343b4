//! Batches: rows of one partition, in the order of a part, without duplicates.

use std::collections::HashSet;

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;
use arrow::row::Rows;

use crate::columns::{event_times, rows_at_a_time, timestamps};
use crate::error::LakeError;
use crate::keys::{RowEncoder, is_time_in_key};
use crate::partition::Partition;
use crate::tables::{ArrowSchema, Table};

/// Rows taken from a batch at a time.
const CHUNK_ROWS: usize = 8192;

/// Rows of one partition. They stay in the chunks they came in; an index holds their order, which is that of a part:
/// event time, then key. Of rows with the same key the one with the earliest `received_at` is kept.
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
    /// A batch of rows that have the table's schema. They may be in any order and hold duplicates.
    ///
    /// # Errors
    /// A row is of another day, a chunk has another schema, or there are more rows than a batch can index (2^32).
    pub fn new(partition: Partition, chunks: Vec<RecordBatch>) -> Result<Self, LakeError> {
        let schema = partition.table.schema();
        let (first, last) = partition.time_range();
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

    /// The partition of the rows.
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// Number of rows without duplicates.
    pub fn rows(&self) -> usize {
        self.order.len()
    }

    /// Number of rows that were put in, duplicates included.
    pub fn rows_received(&self) -> u64 {
        self.received
    }

    /// How many rows to take at a time, so that they fit into memory decoded.
    pub(crate) fn rows_at_a_time(&self) -> usize {
        self.rows_at_a_time
    }

    /// First and last event time, in milliseconds since 1970.
    pub(crate) fn event_time_range(&self) -> (i64, i64) {
        (self.first_event_ts, self.last_event_ts)
    }

    /// For each row in its order: false if `matches` marks it. `matches` sees the rows chunk by chunk.
    pub(crate) fn rows_to_keep(
        &self,
        matches: impl Fn(&RecordBatch) -> Result<Vec<bool>, LakeError>,
    ) -> Result<Vec<bool>, LakeError> {
        let masks = self.chunks.iter().map(matches).collect::<Result<Vec<_>, _>>()?;
        let keep = self.order.iter().map(|(chunk, row)| {
            let mask = masks.get(*chunk as usize);
            !mask.and_then(|mask| mask.get(*row as usize)).copied().unwrap_or_default()
        });
        Ok(keep.collect())
    }

    /// The rows at the given positions of the order, as one batch.
    pub(crate) fn take(&self, positions: &[u32]) -> Result<RecordBatch, LakeError> {
        self.take_from(&self.chunks, positions)
    }

    /// The encoded keys of all rows in their order, [`CHUNK_ROWS`] at a time.
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

    fn take_from(&self, chunks: &[RecordBatch], positions: &[u32]) -> Result<RecordBatch, LakeError> {
        let indices: Vec<(usize, usize)> = positions
            .iter()
            .filter_map(|position| self.order.get(*position as usize))
            .map(|(chunk, row)| (*chunk as usize, *row as usize))
            .collect();
        let chunks: Vec<&RecordBatch> = chunks.iter().collect();
        Ok(interleave_record_batch(&chunks, &indices)?)
    }

    /// All rows in their order, in batches of a few thousand.
    pub fn sorted_batches(&self) -> impl Iterator<Item = Result<RecordBatch, LakeError>> + '_ {
        self.position_chunks().map(|positions| self.take(&positions))
    }
}

type Order = Vec<(u32, u32)>;

/// The order of the rows without duplicates, and how many rows there were with them.
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
    if is_time_in_key(table) {
        order.dedup_by(|later, earlier| sort_keys.row(*later) == sort_keys.row(*earlier));
    } else {
        drop(sort_keys);
        let keys = RowEncoder::key(table)?.encode_all(chunks)?;
        let mut seen = HashSet::with_capacity(order.len());
        order.retain(|row| seen.insert(keys.row(*row)));
    }
    Ok((order.into_iter().filter_map(|row| places.get(row).copied()).collect(), received))
}
