//! Staging: converts NDJSON lines to batches by partition.
//!
//! A line is a JSON object such as `{"table":"clicks","event_ts":1700000000000,…}`. It holds columns by name, in any
//! order; nulls may be left out. Lines are parsed without an intermediate tree, and texts are borrowed from the line
//! until they are copied into a column. A fast reader (`plain.rs`) handles the form that ingest writes, and a general
//! reader (`line.rs`) all other lines. The statement hash is computed here; lines do not contain it.

use std::fmt;

use arrow::array::{Array, ArrayRef, RecordBatch};
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use crate::batch::PartitionBatch;
use crate::error::LakeError;
use crate::first_day::{EARLIEST_EVENT_MS, FirstDay};
use crate::partition::Partition;
use crate::tables::Table;

mod columns;
mod dictionary;
mod line;
mod plain;

use columns::{ChunkBuilder, chunk_schema};
use line::{Line, Row, TableReader};

/// How much later than its receipt an event may be, in milliseconds. Clocks differ, and time zones get lost.
pub const FUTURE_TOLERANCE_MS: i64 = 24 * 3600 * 1000;

/// 10000-01-01 UTC in milliseconds since 1970. From then on dates have no four-digit year.
pub(crate) const YEAR_10000_MS: i64 = 253_402_300_800_000;

/// Milliseconds of a day in UTC.
const DAY_MS: i64 = 24 * 3600 * 1000;

/// Maximum length of a line in bytes. Ingest never writes a longer line, even for its largest body. Lines sent
/// through Firehose fit into a record of 1,000 KiB, but lines from the spill do not have this limit.
pub const MAX_LINE_BYTES: usize = 32 << 20;

/// Why a line is rejected. The reason's name is a folder under `rejected/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The line is not a JSON object.
    NotJson,
    /// The line is longer than [`MAX_LINE_BYTES`].
    LineTooLong,
    /// The line names no table, or an unknown one.
    UnknownTable,
    /// A required column is missing or null.
    MissingColumn,
    /// A value does not have its column's type.
    WrongType,
    /// The event is from before the first day ([`FirstDay`]).
    EventTimeTooEarly,
    /// The event time is more than [`FUTURE_TOLERANCE_MS`] after the receipt, and in the future.
    EventTimeInFuture,
    /// The receipt time is before [`EARLIEST_EVENT_MS`] or after the year 9999.
    ReceiptTimeImpossible,
}

impl Reason {
    /// The reason's name in paths and metrics.
    pub const fn slug(self) -> &'static str {
        match self {
            Reason::NotJson => "not_json",
            Reason::LineTooLong => "line_too_long",
            Reason::UnknownTable => "unknown_table",
            Reason::MissingColumn => "missing_column",
            Reason::WrongType => "wrong_type",
            Reason::EventTimeTooEarly => "event_time_too_early",
            Reason::EventTimeInFuture => "event_time_in_future",
            Reason::ReceiptTimeImpossible => "receipt_time_impossible",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

/// A rejected line. It contains nothing of the line itself, so it may be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line rejected: {reason}")]
pub struct Rejection {
    /// The reason.
    pub reason: Reason,
}

impl From<Reason> for Rejection {
    fn from(reason: Reason) -> Self {
        Self { reason }
    }
}

/// Collects rows by partition.
pub struct Staging {
    readers: Vec<TableReader>,
    /// By table and UTC day, in days since 1970.
    partitions: HashMap<(Table, i64), Staged>,
    rows: usize,
    unknown_columns: u64,
    first_day: FirstDay,
    /// Buffer for the text that is hashed as `statement_hash`. It is reused for each line.
    hashed: Vec<u8>,
}

struct Staged {
    partition: Partition,
    chunks: Vec<Vec<ArrayRef>>,
    chunk_bytes: usize,
    builder: Option<ChunkBuilder>,
}

impl Default for Staging {
    fn default() -> Self {
        Self::new()
    }
}

impl Staging {
    /// Creates an empty staging that accepts events from [`FirstDay::default`] on.
    pub fn new() -> Self {
        Self::since(FirstDay::default())
    }

    /// Creates an empty staging that rejects events before this day.
    pub fn since(first_day: FirstDay) -> Self {
        let readers = Table::ALL.into_iter().map(TableReader::new).collect();
        Self { readers, partitions: HashMap::new(), rows: 0, unknown_columns: 0, first_day, hashed: Vec::new() }
    }

    /// Adds one line, which must not include its newline. Blank lines are ignored.
    ///
    /// # Errors
    /// The line was rejected and nothing of it was added.
    pub fn push_line(&mut self, line: &[u8]) -> Result<(), Rejection> {
        self.push_line_at(line, i64::MIN)
    }

    /// As [`Staging::push_line`] with the current time `now_ms` (milliseconds since 1970). If the event time has
    /// passed by now but is after the receipt, the receiver's clock was slow. Such a row is accepted, although its
    /// `received_at` is wrong. Readers recognise it because the receipt is more than [`FUTURE_TOLERANCE_MS`] before
    /// the event.
    ///
    /// # Errors
    /// The line was rejected and nothing of it was added.
    pub fn push_line_at(&mut self, line: &[u8], now_ms: i64) -> Result<(), Rejection> {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(());
        }
        if line.len() > MAX_LINE_BYTES {
            return Err(Reason::LineTooLong.into());
        }
        let (reader, mut row, unknown) = match plain::read(line, &self.readers) {
            Some((reader, row)) => (reader, row, 0),
            None => read_any(line, &self.readers)?,
        };
        reader.check(&mut row)?;
        let (event_ts, received_at) = reader.times(&row).ok_or(Reason::MissingColumn)?;
        if event_ts < self.first_day.start_ms() {
            return Err(Reason::EventTimeTooEarly.into());
        }
        if !(EARLIEST_EVENT_MS..YEAR_10000_MS).contains(&received_at) {
            return Err(Reason::ReceiptTimeImpossible.into());
        }
        let latest = received_at.max(now_ms).saturating_add(FUTURE_TOLERANCE_MS);
        if event_ts > latest || event_ts >= YEAR_10000_MS {
            return Err(Reason::EventTimeInFuture.into());
        }
        let staged = match self.partitions.entry((reader.table, event_ts.div_euclid(DAY_MS))) {
            Entry::Occupied(staged) => staged.into_mut(),
            Entry::Vacant(place) => {
                let partition = Partition::of(reader.table, event_ts).ok_or(Reason::EventTimeInFuture)?;
                place.insert(Staged { partition, chunks: Vec::new(), chunk_bytes: 0, builder: None })
            }
        };
        reader.set_statement_hash(&mut row, &mut self.hashed);
        let builder = staged.builder.get_or_insert_with(|| ChunkBuilder::new(reader.table));
        builder.append(&row);
        if builder.is_full() {
            staged.close_chunk();
        }
        self.rows += 1;
        self.unknown_columns += unknown;
        Ok(())
    }

    /// Number of rows added since the last drain.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of unknown column names in the lines since the last drain. They occur if a newer version wrote the
    /// lines.
    pub fn unknown_columns(&self) -> u64 {
        self.unknown_columns
    }

    /// Approximate memory in bytes. A commit needs up to the same amount again for its largest partition.
    pub fn memory_bytes(&self) -> usize {
        self.partitions.values().map(|staged| staged.chunk_bytes + staged.builder_bytes()).sum()
    }

    /// Returns a batch for each partition, oldest partition first, and empties the staging.
    ///
    /// # Errors
    /// Never caused by input.
    pub fn drain(&mut self) -> Result<Vec<PartitionBatch>, LakeError> {
        self.rows = 0;
        self.unknown_columns = 0;
        let mut partitions: Vec<_> = self.partitions.drain().map(|(_, staged)| staged).collect();
        partitions.sort_unstable_by_key(|staged| staged.partition);
        let batches = partitions.into_iter().map(|mut staged| {
            staged.close_chunk();
            let partition = staged.partition;
            let chunks = staged.chunks.into_iter();
            let chunks = chunks.map(|columns| RecordBatch::try_new(chunk_schema(partition.table, &columns), columns));
            PartitionBatch::new(partition, chunks.collect::<Result<_, _>>()?)
        });
        batches.collect()
    }
}

/// Parses a line of any form. Returns the table's reader, the row, and the number of unknown names.
fn read_any<'a, 'r>(line: &'a [u8], readers: &'r [TableReader]) -> Result<(&'r TableReader, Row<'a>, u64), Reason> {
    let line: Line<'_> = serde_json::from_slice(line).map_err(|_| Reason::NotJson)?;
    let table = line.table().ok_or(Reason::UnknownTable)?;
    let reader = readers.iter().find(|reader| reader.table == table).ok_or(Reason::UnknownTable)?;
    let (row, unknown) = reader.arrange(line);
    Ok((reader, row, unknown))
}

impl Staged {
    fn builder_bytes(&self) -> usize {
        self.builder.as_ref().map_or(0, ChunkBuilder::memory_bytes)
    }

    fn close_chunk(&mut self) {
        if let Some(builder) = self.builder.take() {
            self.chunk_bytes += builder.memory_for_order();
            let chunk = builder.finish();
            // A column without values has pages that are never written, see `SparseColumn::finish`.
            let with_values = chunk.iter().filter(|column| column.null_count() < column.len());
            self.chunk_bytes += with_values.map(|column| column.get_array_memory_size()).sum::<usize>();
            self.chunks.push(chunk);
        }
    }
}

impl fmt::Debug for Staging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Staging").field("rows", &self.rows).field("partitions", &self.partitions.len()).finish()
    }
}

#[cfg(test)]
mod tests;
