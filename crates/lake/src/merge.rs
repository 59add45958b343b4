//! Merges sorted sources into one sorted part in a streaming way.
//!
//! Memory holds one fetched row group and one decoded batch of each source, never a whole part. A large row group is
//! copied without decoding if its range of event times overlaps with no other source.

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, interleave_record_batch};
use arrow::row::Rows;
use object_store::ObjectStore;

use crate::batch::PartitionBatch;
use crate::columns::{DECODE_BYTES, DECODE_ROWS, conform, event_times};
use crate::error::LakeError;
use crate::keys::RowEncoder;
use crate::part::{GroupReader, Part, RowGroup};
use crate::tables::Table;
use crate::writer::{GROUP_BYTES, PartWriter};

/// Parts above this size count as large: their decoded rows may fill the buffers of a merge.
const LARGE_PART_BYTES: u64 = 256 << 10;

/// Returns for each row of a batch whether it is kept.
pub(crate) type RowFilter<'a> = &'a (dyn Fn(&RecordBatch) -> Result<BooleanArray, LakeError> + Send + Sync);

/// A sorted input of a merge.
pub(crate) enum Source<'a> {
    /// Rows of a batch at these positions, which are ascending.
    Batch { batch: &'a PartitionBatch, positions: &'a [u32] },
    /// A part, without the rows for which the filter returns false.
    Part { part: &'a Part, filter: Option<RowFilter<'a>> },
}

impl Source<'_> {
    /// Whether reading the source takes so much memory that few such sources are read at the same time.
    pub(crate) fn is_large_part(&self) -> bool {
        matches!(self, Source::Part { part, .. } if part.bytes > LARGE_PART_BYTES)
    }

    /// Maximum number of rows that the source yields.
    pub(crate) fn rows(&self) -> u64 {
        match self {
            Source::Batch { positions, .. } => positions.len() as u64,
            Source::Part { part, .. } => part.rows,
        }
    }
}

struct Cursor<'a> {
    source: Source<'a>,
    next_group: usize,
    reader: Option<GroupReader>,
    head: Option<Head>,
}

/// The decoded rows of a cursor that are not merged yet.
struct Head {
    batch: usize,
    keys: Rows,
    times: Vec<i64>,
    row: usize,
    /// Approximate size of a row in bytes.
    row_bytes: usize,
}

impl Head {
    fn time(&self) -> i64 {
        self.times.get(self.row).copied().unwrap_or(i64::MAX)
    }
}

impl Cursor<'_> {
    /// The index and the first and last event time of the next row group, if the cursor is at the start of a row
    /// group that was not fetched yet.
    fn boundary(&self) -> Option<(usize, i64, i64)> {
        match (&self.source, &self.head, &self.reader) {
            (Source::Part { part, .. }, None, None) => {
                let group = part.groups.get(self.next_group)?;
                Some((self.next_group, group.first_event_ts, group.last_event_ts))
            }
            _ => None,
        }
    }

    /// Lower bound of the event times of the remaining rows; `None` at the end.
    fn earliest(&self) -> Option<i64> {
        self.head.as_ref().map(Head::time).or_else(|| self.boundary().map(|(_, first, _)| first))
    }

    /// Decodes the next rows without I/O: from a batch, or from the row group that was fetched.
    fn decode(&mut self, table: Table) -> Result<Option<RecordBatch>, LakeError> {
        match &mut self.source {
            Source::Batch { batch, positions } => {
                let (now, later) = positions.split_at(positions.len().min(batch.rows_at_a_time()));
                *positions = later;
                if now.is_empty() { Ok(None) } else { conform(table, &batch.take(now)?).map(Some) }
            }
            Source::Part { filter, .. } => {
                let Some(reader) = &mut self.reader else { return Ok(None) };
                while let Some(batch) = reader.next_batch()? {
                    let batch = conform(table, &batch)?;
                    let batch = match filter {
                        Some(keep) => filter_record_batch(&batch, &keep(&batch)?)?,
                        None => batch,
                    };
                    if batch.num_rows() > 0 {
                        return Ok(Some(batch));
                    }
                }
                self.reader = None;
                Ok(None)
            }
        }
    }
}

/// Rows that were chosen but not written yet.
#[derive(Default)]
struct Pending {
    batches: Vec<RecordBatch>,
    rows: Vec<(usize, usize)>,
    bytes: usize,
}

/// Writes the rows of all sources in sort order. No two sources may share a row. Returns the number of row groups
/// that were copied without decoding.
pub(crate) async fn merge(
    store: &dyn ObjectStore,
    table: Table,
    sources: Vec<Source<'_>>,
    group_rows: usize,
    writer: &mut PartWriter<'_>,
) -> Result<u64, LakeError> {
    if let [Source::Batch { batch, positions }] = sources.as_slice() {
        return write_batch(batch, positions, writer).await.map(|()| 0);
    }
    let mut copied = 0;
    let encoder = RowEncoder::order(table)?;
    let mut pending = Pending::default();
    let mut cursors: Vec<Cursor<'_>> =
        sources.into_iter().map(|source| Cursor { source, next_group: 0, reader: None, head: None }).collect();
    loop {
        for cursor in &mut cursors {
            if cursor.head.is_none()
                && let Some(batch) = cursor.decode(table)?
            {
                let head = Head {
                    keys: encoder.encode(&batch)?,
                    times: event_times(&batch)?.to_vec(),
                    batch: pending.batches.len(),
                    row: 0,
                    row_bytes: batch.get_array_memory_size() / batch.num_rows().max(1),
                };
                pending.batches.push(batch);
                cursor.head = Some(head);
            }
        }
        let heads = cursors.iter().filter_map(|cursor| cursor.head.as_ref());
        let earliest_head = heads.map(Head::time).min().unwrap_or(i64::MAX);
        let boundaries = cursors.iter().enumerate().filter_map(|(index, cursor)| Some((index, cursor.boundary()?)));
        let next_boundary = boundaries.min_by_key(|(_, (_, first, _))| *first);
        match next_boundary {
            Some((index, (group, first, last))) if first <= earliest_head => {
                let others = cursors.iter().enumerate().filter(|(other, _)| *other != index);
                let apart = others.filter_map(|(_, cursor)| cursor.earliest()).all(|time| last < time);
                let open_rows = writer.open_rows() + pending.rows.len();
                let Some(cursor) = cursors.get_mut(index) else { break };
                let Source::Part { part, filter } = &cursor.source else { break };
                let is_large = |g: &RowGroup| g.rows >= group_rows as u64 / 2 || g.bytes >= GROUP_BYTES as u64 / 2;
                let large = part.groups.get(group).is_some_and(is_large);
                let tidy = open_rows == 0 || open_rows >= group_rows / 4;
                let reader = part.read_group(store, group, None).await?;
                if apart && large && tidy && filter.is_none() && part.has_schema_of(table) {
                    pending.flush(&mut [], writer).await?;
                    writer.copy_group(part, group, &reader.bytes).await?;
                    copied += 1;
                } else {
                    cursor.reader = Some(reader);
                }
                cursor.next_group += 1;
            }
            _ => match smallest(&cursors) {
                Some(index) => {
                    choose_run(&mut cursors, index, &mut pending);
                    if pending.is_full() {
                        pending.flush(&mut cursors, writer).await?;
                    }
                }
                None => break,
            },
        }
    }
    pending.flush(&mut [], writer).await?;
    Ok(copied)
}

/// Writes the rows of a single batch, which need no merge.
async fn write_batch(batch: &PartitionBatch, positions: &[u32], writer: &mut PartWriter<'_>) -> Result<(), LakeError> {
    for positions in positions.chunks(batch.rows_at_a_time()) {
        writer.write(&batch.take(positions)?).await?;
    }
    Ok(())
}

fn smallest(cursors: &[Cursor<'_>]) -> Option<usize> {
    let heads = cursors.iter().enumerate().filter_map(|(index, cursor)| Some((index, cursor.head.as_ref()?)));
    heads.min_by(|(_, a), (_, b)| a.keys.row(a.row).cmp(&b.keys.row(b.row))).map(|(index, _)| index)
}

/// Chooses rows of one cursor as long as they sort before the next row of every other cursor.
fn choose_run(cursors: &mut [Cursor<'_>], index: usize, pending: &mut Pending) {
    let others = || cursors.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, cursor)| cursor);
    let next_row = others().filter_map(|cursor| cursor.head.as_ref()).map(|head| head.keys.row(head.row)).min();
    let next_time =
        others().filter_map(|cursor| cursor.boundary()).map(|(_, first, _)| first).min().unwrap_or(i64::MAX);
    let Some(head) = cursors.get(index).and_then(|cursor| cursor.head.as_ref()) else { return };
    let mut end = head.row;
    while end < head.times.len()
        && !pending.is_full()
        && next_row.is_none_or(|next| head.keys.row(end) <= next)
        && head.times.get(end).is_some_and(|time| *time < next_time || next_time == i64::MAX)
    {
        pending.rows.push((head.batch, end));
        pending.bytes += head.row_bytes;
        end += 1;
    }
    let Some(cursor) = cursors.get_mut(index) else { return };
    match &mut cursor.head {
        Some(head) if end < head.times.len() => head.row = end,
        head => *head = None,
    }
}

impl Pending {
    fn is_full(&self) -> bool {
        self.rows.len() >= DECODE_ROWS || self.bytes >= DECODE_BYTES
    }

    /// Writes the chosen rows. Keeps only the batches that cursors are still reading.
    async fn flush(&mut self, cursors: &mut [Cursor<'_>], writer: &mut PartWriter<'_>) -> Result<(), LakeError> {
        if !self.rows.is_empty() {
            let batches: Vec<&RecordBatch> = self.batches.iter().collect();
            let batch = interleave_record_batch(&batches, &self.rows)?;
            self.rows.clear();
            self.bytes = 0;
            writer.write(&batch).await?;
        }
        if cursors.is_empty() {
            return Ok(());
        }
        let mut kept = Vec::new();
        for head in cursors.iter_mut().filter_map(|cursor| cursor.head.as_mut()) {
            if let Some(batch) = self.batches.get(head.batch) {
                head.batch = kept.len();
                kept.push(batch.clone());
            }
        }
        self.batches = kept;
        Ok(())
    }
}
