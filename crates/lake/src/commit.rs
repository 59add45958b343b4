//! The commit: a batch into its partition, exactly once, whatever breaks.
//!
//! 1. drop repeats inside the batch ([`PartitionBatch`] did); 2. read the manifest; 3. look for the batch's keys in the
//!    parts it names; 4. keep what is new; 5. write a part under a new name, with the small parts it compacts; 6. write the
//!    manifest on condition that it is as it was read; 7. unless that clearly succeeded, start again at 2.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::row::{Row, Rows};
use futures::{FutureExt, StreamExt, TryStreamExt};
use object_store::{PutMode, PutOptions};

use crate::batch::{EVENT_TIME, PartitionBatch, RowEncoder};
use crate::environment::new_uuid;
use crate::error::LakeError;
use crate::invariants::check_conservation;
use crate::lake::Lake;
use crate::manifest::{Manifest, read_manifest, render};
use crate::merge::{Source, merge};
use crate::outcome::{PutOutcome, classify, is_ours};
use crate::part::Part;
use crate::partition::Partition;
use crate::tables::{ArrowSchema, Table};
use crate::writer::PartWriter;

/// Footers read at a time.
const PARALLEL_OPENS: usize = 8;

/// What a commit did. `rows_in = new + duplicates + erased` (rule R6, checked before the report exists).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitReport {
    /// Rows that the batch was made of.
    pub rows_in: u64,
    /// Rows that are now in the lake and were not before.
    pub new: u64,
    /// Rows that were in the lake already, or twice in the batch.
    pub duplicates: u64,
    /// Rows of persons to forget.
    pub erased: u64,
    /// Parts that were compacted into the one written.
    pub compacted_parts: u64,
    /// Row groups that were copied into it without decoding.
    pub copied_row_groups: u64,
    /// Parts of the partition afterwards.
    pub parts: u64,
    /// Parts written, those of failed attempts included.
    pub written_parts: u64,
    /// Bytes of these parts.
    pub bytes_written: u64,
    /// Attempts that ended without a clear success.
    pub conflicts: u64,
    /// Attempts in all.
    pub attempts: u64,
    /// Row groups whose keys were read.
    pub scanned_row_groups: u64,
}

/// What a commit has found out so far; thrown away when it grows too old to act on.
struct Progress {
    started_ms: i64,
    /// For each row of the batch: still believed new.
    fresh: Vec<bool>,
    /// Parts in which the batch's keys were looked for.
    scanned: HashMap<String, Arc<Part>>,
    written: Option<Written>,
    erased: u64,
    duplicates: u64,
}

/// A part that was written but is in no manifest yet.
pub(crate) struct Written {
    pub(crate) part: Part,
    pub(crate) replaces: Vec<String>,
    new_rows: u64,
    copied_groups: u64,
}

impl Lake {
    /// Adds the rows of a batch that its partition does not have yet. Safe to repeat, and to run beside any number of
    /// others: rows that are there already are counted as duplicates.
    ///
    /// # Errors
    /// Nothing of the batch is visible then, or (if the last answer was lost) all of it. By [`LakeError::fault`].
    pub async fn commit(&self, batch: &PartitionBatch) -> Result<CommitReport, LakeError> {
        let partition = batch.partition();
        let mut report = CommitReport { rows_in: batch.rows_received(), ..CommitReport::default() };
        let encoder = RowEncoder::key(partition.table)?;
        let keys = batch.sorted_keys(&encoder)?;
        let index = index_keys(&keys);
        let mut progress: Option<Progress> = None;
        for attempt in 1..=self.options.max_attempts {
            report.attempts += 1;
            if attempt > 1 {
                self.back_off(attempt).await;
            }
            let state = match progress.take().filter(|state| !self.is_late(state.started_ms)) {
                Some(state) => progress.insert(state),
                None => progress.insert(self.begin(batch).await?),
            };
            let manifest = read_manifest(&*self.store, &self.base_uri, partition).await?;
            if let Some(written) = &state.written
                && is_ours(&manifest, Some(&written.part.name))
            {
                report.settle(state.erased, state.duplicates, written, manifest.parts.len());
                return report.checked(partition);
            }
            if !self.scan_unseen(partition, batch, &manifest, &encoder, &index, state, &mut report).await? {
                report.conflicts += 1;
                continue;
            }
            let new_rows = state.fresh.iter().filter(|fresh| **fresh).count() as u64;
            if new_rows == 0 {
                report.erased = state.erased;
                report.duplicates = state.duplicates;
                report.parts = manifest.parts.len() as u64;
                return report.checked(partition);
            }
            let parts: Vec<Arc<Part>> =
                manifest.parts.iter().filter_map(|name| state.scanned.get(name).cloned()).collect();
            let written = match state.written.take().filter(|written| written.still_fits(&manifest, new_rows)) {
                Some(written) => written,
                None => match self.write_part(batch, &state.fresh, &parts).await {
                    Err(error) if error.is_not_found() => {
                        self.confirm_changed(partition, &manifest, &error).await?;
                        report.conflicts += 1;
                        continue;
                    }
                    other => {
                        let written = other?;
                        report.written_parts += 1;
                        report.bytes_written += written.part.bytes;
                        written
                    }
                },
            };
            let written = state.written.insert(written);
            check_conservation(partition, &parts, &written.part, &written.replaces, new_rows)?;
            if self.is_late(state.started_ms) {
                // R4: what was read is too old to publish on; the next attempt begins afresh.
                continue;
            }
            match self.publish(partition, &manifest, Some(&written.part.name), &written.replaces).await {
                PutOutcome::Written => {
                    self.remember(&written.part);
                    let parts = manifest.parts.len() + 1 - written.replaces.len();
                    report.settle(state.erased, state.duplicates, written, parts);
                    return report.checked(partition);
                }
                PutOutcome::Unclear(error) => {
                    tracing::debug!(%partition, %error, "the manifest's write was not clearly a success");
                    report.conflicts += 1;
                }
                PutOutcome::Impossible(error) => return Err(error.into()),
            }
        }
        Err(LakeError::Contention { partition, attempts: self.options.max_attempts })
    }

    async fn begin(&self, batch: &PartitionBatch) -> Result<Progress, LakeError> {
        let started_ms = self.environment.now_ms();
        let erasures = self.erasures().await?;
        let fresh = batch.rows_to_keep(&erasures)?;
        let erased = fresh.iter().filter(|fresh| !**fresh).count() as u64;
        let duplicates = batch.rows_received() - fresh.len() as u64;
        Ok(Progress { started_ms, fresh, scanned: HashMap::new(), written: None, erased, duplicates })
    }

    /// Rule R4: whether something read or written then is too old to publish on.
    pub(crate) fn is_late(&self, since_ms: i64) -> bool {
        let elapsed = self.environment.now_ms().saturating_sub(since_ms);
        u128::try_from(elapsed).is_ok_and(|elapsed| elapsed > self.options.publish_deadline.as_millis())
    }

    /// Opens the parts that the manifest names, each with its rows and size.
    pub(crate) async fn open_parts(&self, partition: Partition, names: &[String]) -> Result<Vec<Arc<Part>>, LakeError> {
        let opens: Vec<_> = names.iter().map(|name| self.open_part(partition, name).boxed()).collect();
        futures::stream::iter(opens).buffered(PARALLEL_OPENS).try_collect().await
    }

    /// Looks for the batch's keys in the parts that were not looked at yet. `false`: the manifest changed meanwhile.
    #[expect(clippy::too_many_arguments, reason = "the parts of one attempt, used in one place")]
    async fn scan_unseen(
        &self,
        partition: Partition,
        batch: &PartitionBatch,
        manifest: &Manifest,
        encoder: &RowEncoder,
        index: &HashMap<Row<'_>, u32>,
        state: &mut Progress,
        report: &mut CommitReport,
    ) -> Result<bool, LakeError> {
        let unseen = manifest.parts.iter().filter(|name| !state.scanned.contains_key(*name)).cloned();
        let unseen: Vec<String> = unseen.collect();
        let found = async {
            for part in self.open_parts(partition, &unseen).await? {
                report.scanned_row_groups += self.scan(batch, &part, encoder, index, state).await?;
                state.scanned.insert(part.name.clone(), part);
            }
            Ok(())
        };
        match found.await {
            Err(error) if LakeError::is_not_found(&error) => {
                self.confirm_changed(partition, manifest, &error).await?;
                Ok(false)
            }
            other => other.map(|()| true),
        }
    }

    /// Marks the rows of the batch whose keys a part has; returns the number of row groups read.
    async fn scan(
        &self,
        batch: &PartitionBatch,
        part: &Part,
        encoder: &RowEncoder,
        index: &HashMap<Row<'_>, u32>,
        state: &mut Progress,
    ) -> Result<u64, LakeError> {
        let table = batch.partition().table;
        let time_is_key = table.key().contains(&EVENT_TIME);
        let (first, last) = batch.event_time_range();
        let mut scanned = 0;
        for (number, group) in part.groups.iter().enumerate() {
            if time_is_key && (group.last_event_ts < first || group.first_event_ts > last) {
                continue;
            }
            scanned += 1;
            let mut reader = part.read_group(&*self.store, number, Some(encoder.columns())).await?;
            while let Some(rows) = reader.next_batch()? {
                let keys = encoder.encode(&key_columns(table, &rows, encoder.columns())?)?;
                for key in &keys {
                    let slot = index.get(&key).and_then(|position| state.fresh.get_mut(*position as usize));
                    if let Some(fresh @ true) = slot {
                        *fresh = false;
                        state.duplicates += 1;
                    }
                }
            }
        }
        Ok(scanned)
    }

    /// A part that a manifest names was not there: fine if the manifest has changed since, else the lake is broken.
    pub(crate) async fn confirm_changed(
        &self,
        partition: Partition,
        manifest: &Manifest,
        error: &LakeError,
    ) -> Result<(), LakeError> {
        let current = read_manifest(&*self.store, &self.base_uri, partition).await?;
        if current.parts != manifest.parts {
            return Ok(());
        }
        Err(LakeError::MissingPart { partition, part: error.to_string() })
    }

    /// Writes the new rows of a batch, and the parts that are small beside them, as one part.
    async fn write_part(
        &self,
        batch: &PartitionBatch,
        fresh: &[bool],
        parts: &[Arc<Part>],
    ) -> Result<Written, LakeError> {
        let partition = batch.partition();
        let positions: Vec<u32> =
            fresh.iter().enumerate().filter(|(_, fresh)| **fresh).map(|(position, _)| position as u32).collect();
        let compacted = self.choose_compacted(partition.table, positions.len() as u64, parts);
        let mut sources = vec![Source::Batch { batch, positions: &positions }];
        sources.extend(compacted.iter().map(|part| Source::Part { part, filter: None }));
        let (part, copied_groups) = self.write_merged(partition, sources).await?;
        let replaces = compacted.iter().map(|part| part.name.clone()).collect();
        Ok(Written { part, replaces, new_rows: positions.len() as u64, copied_groups })
    }

    /// Merges sources into a part under a name that was never used; also the row groups copied without decoding.
    pub(crate) async fn write_merged(
        &self,
        partition: Partition,
        sources: Vec<Source<'_>>,
    ) -> Result<(Part, u64), LakeError> {
        let name = format!("{}.parquet", new_uuid(&*self.environment));
        let path = partition.part_path(&name);
        let rows = sources.iter().map(Source::rows).sum();
        let mut writer = PartWriter::new(&*self.store, partition.table, name, path, rows, &self.options)?;
        let copied = merge(&*self.store, partition.table, sources, self.options.row_group_rows, &mut writer).await?;
        Ok((writer.finish().await?, copied))
    }

    /// The parts to compact: the most of the smallest that grow by [`crate::LakeOptions::growth_factor`] together with the
    /// new rows, in a file that is not too large.
    fn choose_compacted(&self, table: Table, new_rows: u64, parts: &[Arc<Part>]) -> Vec<Arc<Part>> {
        let mut by_size: Vec<&Arc<Part>> = parts.iter().filter(|part| part.unknown_columns(table).is_empty()).collect();
        by_size.sort_by_key(|part| (part.rows, part.bytes));
        let (mut rows, mut bytes, mut chosen) = (new_rows, 0, 0);
        for (number, part) in by_size.iter().enumerate() {
            rows += part.rows;
            bytes += part.bytes;
            if bytes > self.options.target_part_bytes {
                break;
            }
            if rows as f64 >= self.options.growth_factor * part.rows as f64 {
                chosen = number + 1;
            }
        }
        by_size.into_iter().take(chosen).map(Arc::clone).collect()
    }

    /// Writes a manifest without `removed` and with `added`, on condition that it is still the one that was read.
    pub(crate) async fn publish(
        &self,
        partition: Partition,
        manifest: &Manifest,
        added: Option<&str>,
        removed: &[String],
    ) -> PutOutcome {
        let removed: HashSet<&String> = removed.iter().collect();
        let mut parts: Vec<String> = manifest.parts.iter().filter(|name| !removed.contains(name)).cloned().collect();
        parts.extend(added.map(str::to_owned));
        let text = render(&parts, &self.base_uri, partition);
        let mode = manifest.version.clone().map_or(PutMode::Create, PutMode::Update);
        let options = PutOptions { mode, ..PutOptions::default() };
        classify(self.store.put_opts(&partition.manifest_path(), text.into(), options).await)
    }
}

impl Written {
    /// Whether it may be published on top of this manifest: what it replaces is still there, and none of its new rows
    /// turned out to be a repeat.
    fn still_fits(&self, manifest: &Manifest, new_rows: u64) -> bool {
        self.new_rows == new_rows && self.replaces.iter().all(|name| manifest.parts.contains(name))
    }
}

impl CommitReport {
    fn settle(&mut self, erased: u64, duplicates: u64, written: &Written, parts: usize) {
        self.erased = erased;
        self.duplicates = duplicates;
        self.new = written.new_rows;
        self.compacted_parts = written.replaces.len() as u64;
        self.copied_row_groups = written.copied_groups;
        self.parts = parts as u64;
    }

    fn checked(self, partition: Partition) -> Result<Self, LakeError> {
        if self.rows_in == self.new + self.duplicates + self.erased {
            return Ok(self);
        }
        let detail =
            format!("{} in, {} new, {} duplicates, {} erased", self.rows_in, self.new, self.duplicates, self.erased);
        Err(LakeError::Conservation { partition, detail })
    }
}

/// Positions of the batch's rows by their keys, compared byte by byte.
fn index_keys(keys: &[Rows]) -> HashMap<Row<'_>, u32> {
    keys.iter().flatten().enumerate().map(|(position, key)| (key, position as u32)).collect()
}

/// The key columns of rows read from a part; those that an older file lacks are null.
fn key_columns(
    table: Table,
    rows: &arrow::array::RecordBatch,
    names: &[&str],
) -> Result<arrow::array::RecordBatch, LakeError> {
    let schema = table.schema();
    if names.iter().all(|name| rows.column_by_name(name).is_some()) {
        return Ok(rows.clone());
    }
    let mut columns = Vec::new();
    for name in names {
        let field = schema.field_with_name(name)?.clone();
        let column = rows.column_by_name(name).cloned();
        let column = column.unwrap_or_else(|| arrow::array::new_null_array(field.data_type(), rows.num_rows()));
        columns.push((name.to_string(), column));
    }
    Ok(arrow::array::RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    )?)
}
