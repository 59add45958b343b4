//! The commit: adds a batch to its partition exactly once, even if writes fail or other writers interfere.
//!
//! 1. [`PartitionBatch`] has dropped duplicates inside the batch.
//! 2. Read the manifest.
//! 3. Look for the batch's keys in the parts that it references.
//! 4. Keep the new rows.
//! 5. Write a part under a new name. It also replaces ("compacts") existing parts that are small compared with it.
//! 6. Write the manifest on condition that it has not changed since step 2.
//! 7. If that write did not clearly succeed, start again at step 2.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use arrow::row::{Row, Rows};
use futures::{FutureExt, StreamExt, TryStreamExt};

use crate::batch::PartitionBatch;
use crate::compaction;
use crate::environment::new_uuid;
use crate::error::LakeError;
use crate::invariants::check_conservation;
use crate::keys::{RowEncoder, is_time_in_key};
use crate::lake::Lake;
use crate::manifest::Manifest;
use crate::merge::{Source, merge};
use crate::part::{Part, PartSize};
use crate::partition::Partition;
use crate::retry::{PartsChange, Replaced, Replacement};
use crate::tables::Table;
use crate::writer::PartWriter;

/// Maximum number of footers read concurrently.
const PARALLEL_OPENS: usize = 8;

/// What a commit did. `rows_in = new + duplicates + erased` (rule R6, checked before the report is returned).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitReport {
    /// Rows in the batch, duplicates included.
    pub rows_in: u64,
    /// Rows that the commit added to the lake.
    pub new: u64,
    /// Rows that were already in the lake, or that occurred more than once in the batch.
    pub duplicates: u64,
    /// Rows left out because they belong to an erased person.
    pub erased: u64,
    /// Existing parts that were compacted into the written part.
    pub compacted_parts: u64,
    /// Row groups copied into the written part without decoding.
    pub copied_row_groups: u64,
    /// Number of parts in the partition after the commit.
    pub parts: u64,
    /// Parts written, including those of failed attempts.
    pub written_parts: u64,
    /// Total bytes of all written parts.
    pub bytes_written: u64,
    /// Attempts that conflicted with another writer, or whose write had no clear outcome.
    pub conflicts: u64,
    /// Total number of attempts.
    pub attempts: u64,
    /// Row groups whose key columns were read.
    pub scanned_row_groups: u64,
}

/// State of a commit in progress.
struct CommitAttempt<'a> {
    batch: &'a PartitionBatch,
    encoder: RowEncoder,
    /// The encoded keys of the batch. They are computed when the first part has to be scanned for them.
    keys: &'a OnceLock<Vec<Rows>>,
    /// Position of each row of the batch by its encoded key.
    index: hashbrown::HashMap<Row<'a>, u32>,
    /// For each row of the batch: false if it is a duplicate or belongs to an erased person.
    is_new: Vec<bool>,
    /// Parts already scanned for the batch's keys, by file name.
    scanned: HashMap<String, Arc<Part>>,
    /// Number of rows that the planned replacement adds.
    new_rows: u64,
    report: CommitReport,
}

impl Lake {
    /// Adds the rows of a batch that are not in its partition yet. Repeating a commit and running commits
    /// concurrently are safe: rows that are already in the lake are counted as duplicates.
    ///
    /// # Errors
    /// After an error no row of the batch is visible, or (if only the last response was lost) all rows are.
    /// [`LakeError::fault`] says whether a retry can succeed.
    pub async fn commit(&self, batch: &PartitionBatch) -> Result<CommitReport, LakeError> {
        let encoder = RowEncoder::key(batch.partition().table)?;
        let keys = OnceLock::new();
        let mut attempt = CommitAttempt::new(batch, encoder, &keys);
        let replaced = self.replace_parts(batch.partition(), &mut attempt).await?;
        if let Some(replacement) = &replaced.published {
            self.remember(&replacement.part);
        }
        attempt.into_report(&replaced)
    }

    /// Opens parts: reads the footers that are not cached in memory.
    pub(crate) async fn open_parts(&self, partition: Partition, names: &[String]) -> Result<Vec<Arc<Part>>, LakeError> {
        let opens: Vec<_> = names.iter().map(|name| self.open_part(partition, name).boxed()).collect();
        futures::stream::iter(opens).buffered(PARALLEL_OPENS).try_collect().await
    }

    /// Merges sources into one part under a new name. Also returns the number of row groups that were copied without
    /// decoding.
    pub(crate) async fn write_merged(
        &self,
        partition: Partition,
        sources: Vec<Source<'_>>,
    ) -> Result<(Part, u64), LakeError> {
        let large_parts = sources.iter().filter(|source| source.is_large_part()).count();
        let _permit = self.reserve_large_parts(large_parts).await?;
        let name = format!("{}.parquet", new_uuid(&*self.environment));
        let path = partition.part_path(&name);
        let rows = sources.iter().map(Source::rows).sum();
        let constant = match sources.as_slice() {
            [Source::Batch { batch, .. }] => batch.constant_columns(),
            _ => Vec::new(),
        };
        let mut writer = PartWriter::new(&*self.store, partition.table, name, path, rows, &constant, &self.options)?;
        let copied = merge(&*self.store, partition.table, sources, self.options.row_group_rows, &mut writer).await?;
        Ok((writer.finish().await?, copied))
    }

    /// Chooses the parts to compact together with the new rows. Parts with columns of a newer version are left alone.
    fn choose_compacted(&self, table: Table, new_rows: u64, parts: &[Arc<Part>]) -> Vec<Arc<Part>> {
        let by_size = compaction::by_size(table, parts);
        let sizes: Vec<PartSize> = by_size.iter().map(|part| part.size()).collect();
        let chosen = compaction::choose(new_rows, &sizes, parts.len() - by_size.len(), &self.options);
        by_size.into_iter().take(chosen).collect()
    }
}

impl<'a> CommitAttempt<'a> {
    fn new(batch: &'a PartitionBatch, encoder: RowEncoder, keys: &'a OnceLock<Vec<Rows>>) -> Self {
        let report = CommitReport { rows_in: batch.rows_received(), ..CommitReport::default() };
        let index = hashbrown::HashMap::new();
        Self { batch, encoder, keys, index, is_new: Vec::new(), scanned: HashMap::new(), new_rows: 0, report }
    }

    fn count_new(&self) -> u64 {
        self.is_new.iter().filter(|is_new| **is_new).count() as u64
    }

    /// Scans the parts that were not scanned yet for the batch's keys.
    async fn scan_unseen(&mut self, lake: &Lake, manifest: &Manifest) -> Result<(), LakeError> {
        let unseen = manifest.parts.iter().filter(|name| !self.scanned.contains_key(*name)).cloned();
        let unseen: Vec<String> = unseen.collect();
        if !unseen.is_empty() {
            self.index_keys()?;
        }
        for part in lake.open_parts(self.batch.partition(), &unseen).await? {
            self.scan(lake, &part).await?;
            self.scanned.insert(part.name.clone(), part);
        }
        Ok(())
    }

    /// Encodes the batch's keys. The first commit of a partition does not need this, because there is no part to
    /// scan.
    fn index_keys(&mut self) -> Result<(), LakeError> {
        if self.keys.get().is_none() {
            let keys = self.batch.sorted_keys(&self.encoder)?;
            self.index.extend(self.keys.get_or_init(|| keys).iter().flatten().zip(0..));
        }
        Ok(())
    }

    /// Marks the rows of the batch whose keys occur in a part as duplicates.
    async fn scan(&mut self, lake: &Lake, part: &Part) -> Result<(), LakeError> {
        let is_time_in_key = is_time_in_key(self.batch.partition().table);
        let (first, last) = self.batch.event_time_range();
        for (number, group) in part.groups.iter().enumerate() {
            if is_time_in_key && (group.last_event_ts < first || group.first_event_ts > last) {
                continue;
            }
            self.report.scanned_row_groups += 1;
            let mut reader = part.read_group(&*lake.store, number, Some(self.encoder.columns())).await?;
            while let Some(rows) = reader.next_batch()? {
                for key in &self.encoder.encode(&rows)? {
                    let row = self.index.get(&key).and_then(|position| self.is_new.get_mut(*position as usize));
                    if let Some(is_new @ true) = row {
                        *is_new = false;
                        self.report.duplicates += 1;
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes the new rows together with the parts to compact as one part.
    async fn write_part(&mut self, lake: &Lake, parts: &[Arc<Part>]) -> Result<Replacement, LakeError> {
        let partition = self.batch.partition();
        let is_new = self.is_new.iter().enumerate().filter(|(_, is_new)| **is_new);
        let positions: Vec<u32> = is_new.map(|(position, _)| position as u32).collect();
        let compacted = lake.choose_compacted(partition.table, positions.len() as u64, parts);
        let mut sources = vec![Source::Batch { batch: self.batch, positions: &positions }];
        sources.extend(compacted.iter().map(|part| Source::Part { part, filter: None }));
        let (part, copied) = lake.write_merged(partition, sources).await?;
        self.report.written_parts += 1;
        self.report.bytes_written += part.bytes;
        self.report.copied_row_groups = copied;
        self.new_rows = positions.len() as u64;
        Ok(Replacement { part, replaces: compacted.iter().map(|part| part.name.clone()).collect() })
    }

    fn into_report(self, replaced: &Replaced) -> Result<CommitReport, LakeError> {
        let mut report = self.report;
        (report.attempts, report.conflicts) = (replaced.attempts, replaced.conflicts);
        report.parts = replaced.parts.len() as u64;
        match &replaced.published {
            Some(replacement) => {
                report.new = self.new_rows;
                report.compacted_parts = replacement.replaces.len() as u64;
            }
            None => report.copied_row_groups = 0,
        }
        if report.rows_in == report.new + report.duplicates + report.erased {
            return Ok(report);
        }
        let detail = format!(
            "{} in, {} new, {} duplicates, {} erased",
            report.rows_in, report.new, report.duplicates, report.erased
        );
        Err(LakeError::Conservation { partition: self.batch.partition(), detail })
    }
}

impl PartsChange for CommitAttempt<'_> {
    async fn restart(&mut self, lake: &Lake) -> Result<(), LakeError> {
        let erasures = lake.erasures().await?;
        self.is_new = self.batch.rows_to_keep(|rows| erasures.matches(self.batch.partition().table, rows))?;
        self.scanned.clear();
        self.report.erased = self.is_new.iter().filter(|is_new| !**is_new).count() as u64;
        self.report.duplicates = self.batch.rows_received() - self.is_new.len() as u64;
        Ok(())
    }

    async fn plan(
        &mut self,
        lake: &Lake,
        manifest: &Manifest,
        replacement: &mut Option<Replacement>,
    ) -> Result<(), LakeError> {
        self.scan_unseen(lake, manifest).await?;
        let new_rows = self.count_new();
        // Write a new part if a row of the written part turned out to be a duplicate, or if a part that it replaces
        // is no longer in the manifest.
        replacement.take_if(|written| new_rows != self.new_rows || !written.fits(manifest));
        if new_rows == 0 {
            *replacement = None;
            return Ok(());
        }
        let parts: Vec<Arc<Part>> = manifest.parts.iter().filter_map(|name| self.scanned.get(name).cloned()).collect();
        let written = match replacement.take() {
            Some(written) => written,
            None => self.write_part(lake, &parts).await?,
        };
        let written = replacement.insert(written);
        check_conservation(self.batch.partition(), &parts, &written.part, &written.replaces, new_rows)
    }
}
