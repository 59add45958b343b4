//! Requests to erase a person.
//!
//! A request first adds an entry for the person to the list of erasures, then reads the entry back and removes the
//! person's rows. A writer that read the list before that may still publish a row of the person, but only until its
//! publish deadline (rule R4). The first sweep more than three publish deadlines after the entry was read back scans
//! the lake again and confirms the erasure.
//!
//! A writer that is suspended between its last clock check and its write of the manifest can break R4. Such a writer
//! has already written its part. The confirming sweep therefore also changes the manifest of every partition that has
//! an unreferenced part. The condition of the late write then fails, and its writer retries with the new list.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use futures::{FutureExt, StreamExt, TryStreamExt};

use super::list::{Entry, EntryList, list_path};
use super::matching::{Erasures, searched_columns};
use super::person::Person;
use crate::error::LakeError;
use crate::lake::Lake;
use crate::manifest::{Manifest, read_manifest};
use crate::merge::Source;
use crate::metadata::change_record;
use crate::part::Part;
use crate::partition::Partition;
use crate::retry::{PartsChange, Replacement};

/// A place outside the tables that may still hold data of the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemainingCopy {
    /// Name of the place: `superseded_parts`, `raw_objects`, `rejected_lines` or `bucket_versions`.
    pub place: &'static str,
    /// Time by which the copy is deleted, in milliseconds since 1970; `None` if the lake does not know it.
    pub until_ms: Option<i64>,
    /// What deletes the copy.
    pub ends_by: &'static str,
}

/// Result of an erasure request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EraseReport {
    /// Number of rows removed.
    pub rows_removed: u64,
    /// Partitions that contained rows of the person.
    pub partitions: Vec<Partition>,
    /// File names of the replaced parts. They contain the person's rows until the sweep deletes them.
    pub superseded_parts: Vec<String>,
    /// The first sweep after this time (milliseconds since 1970) confirms the erasure. Until then a writer may not
    /// know the entry.
    pub confirm_after_ms: i64,
    /// Copies that remain outside the tables.
    pub remaining_copies: Vec<RemainingCopy>,
}

/// State of an erasure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErasureState {
    /// Rows whose event or receipt is from before this time are erased. Milliseconds since 1970.
    pub until_ms: i64,
    /// The first sweep after this time confirms the erasure. Milliseconds since 1970; `None` until the request or a
    /// sweep has read the entry back.
    pub confirm_after_ms: Option<i64>,
    /// Whether the erasure is confirmed: no referenced part holds such a row, and no writer can add one.
    pub confirmed: bool,
}

/// Hashes collected from a person's rows before they are erased; see [`Entry`].
#[derive(Default)]
struct Seen {
    messages: BTreeSet<String>,
    rows: BTreeSet<String>,
}

/// Rows and parts removed from one partition.
#[derive(Clone, Default)]
struct Removed {
    rows: u64,
    superseded: Vec<String>,
}

/// Maximum clock difference between machines, in milliseconds. An entry further in the future was written under a
/// wrong clock.
const CLOCK_TOLERANCE_MS: i64 = 24 * 3_600_000;

/// Number of partitions processed concurrently.
const PARALLEL_PARTITIONS: usize = 4;

/// File names of all parts in the store, referenced or not, by partition.
type ListedParts = BTreeMap<Partition, BTreeSet<String>>;

impl Lake {
    /// Erases a person: all rows whose event or receipt is from before now, and all rows that the lake holds, even if
    /// this machine's clock is wrong. The call can be repeated safely. The first sweep after
    /// [`EraseReport::confirm_after_ms`] confirms the erasure.
    ///
    /// # Errors
    /// [`LakeError::Invalid`] if the phone number or id is malformed. After any other error repeat the call.
    pub async fn erase(&self, person: &Person) -> Result<EraseReport, LakeError> {
        let until_ms = self.environment.now_ms();
        let key = self.ensure_erasure_key().await?;
        let hasher = Erasures::new(key.clone(), &[]);
        let hash = hasher.hash_of(person)?;
        hasher.check_key(&self.read_list().await?.0)?;
        self.change_list(|list| {
            // An entry that covers this request was written by this call (its response was lost) or by a later
            // request. An entry far in the future was written under a wrong clock and is replaced.
            let covers =
                |entry: &Entry| (until_ms..=until_ms.saturating_add(CLOCK_TOLERANCE_MS)).contains(&entry.until_ms);
            if list.entries.iter().all(|entry| entry.hash != hash || !covers(entry)) {
                list.key_check.get_or_insert_with(|| hasher.key_check());
                let mut entry = Entry { hash: hash.clone(), until_ms, ..Entry::default() };
                for earlier in list.entries.extract_if(.., |entry| entry.hash == hash) {
                    entry.messages.extend(earlier.messages);
                    entry.rows.extend(earlier.rows);
                }
                list.entries.push(entry);
            }
        })
        .await?;
        let entry = find_entry(self.mark_seen().await?, &hash)?;
        // The hashes must be on the list before the rows are removed: they cannot be computed afterwards.
        let seen = self.seen_of(&Erasures::new(key.clone(), &[entry])).await?;
        let list = self
            .change_list(|list| {
                for entry in list.entries.iter_mut().filter(|entry| entry.hash == hash) {
                    entry.messages.extend(seen.messages.iter().cloned());
                    entry.rows.extend(seen.rows.iter().cloned());
                }
                list.clone()
            })
            .await?;
        let entry = find_entry(list, &hash)?;
        let confirm_after_ms = self.confirm_after_ms(&entry).unwrap_or(i64::MAX);
        let mut report = EraseReport { confirm_after_ms, ..Default::default() };
        for (partition, removed) in self.erase_everywhere(&Erasures::new(key, &[entry]), &ListedParts::new()).await? {
            report.rows_removed += removed.rows;
            report.partitions.push(partition);
            report.superseded_parts.extend(removed.superseded);
        }
        report.remaining_copies = self.remaining_copies(self.environment.now_ms());
        Ok(report)
    }

    /// Returns the state of a person's erasure; `None` if none was requested.
    ///
    /// # Errors
    /// As [`Lake::erase`].
    pub async fn erasure(&self, person: &Person) -> Result<Option<ErasureState>, LakeError> {
        let (list, _) = self.read_list().await?;
        if list.entries.is_empty() {
            return Ok(None);
        }
        let hash = self.erasures_of(&list, &list.entries).await?.hash_of(person)?;
        let entry = list.entries.iter().find(|entry| entry.hash == hash);
        Ok(entry.map(|entry| ErasureState {
            until_ms: entry.until_ms,
            confirm_after_ms: self.confirm_after_ms(entry),
            confirmed: entry.confirmed,
        }))
    }

    /// Re-applies all recorded erasures, after an older manifest was restored. Returns the number of rows removed.
    ///
    /// # Errors
    /// The store failed; repeat the call.
    pub async fn erase_again(&self) -> Result<u64, LakeError> {
        let erasures = self.erasures().await?;
        Ok(self.erase_everywhere(&erasures, &ListedParts::new()).await?.iter().map(|(_, removed)| removed.rows).sum())
    }

    /// Scans the lake for the erasures that every writer must know by now, removes matching rows and confirms these
    /// erasures. Returns the number of rows removed and the number of erasures confirmed.
    pub(crate) async fn confirm_erasures(&self) -> Result<(u64, u64), LakeError> {
        let list = self.mark_seen().await?;
        let now_ms = self.environment.now_ms();
        let is_due = |entry: &&Entry| !entry.confirmed && self.confirm_after_ms(entry).is_some_and(|at| now_ms > at);
        let due: Vec<Entry> = list.entries.iter().filter(is_due).cloned().collect();
        if due.is_empty() {
            return Ok((0, 0));
        }
        let erasures = self.erasures_of(&list, &due).await?;
        let mut listed = ListedParts::new();
        for (partition, name, _) in self.list_parts(None).await? {
            listed.entry(partition).or_default().insert(name);
        }
        let rows = self.erase_everywhere(&erasures, &listed).await?.iter().map(|(_, removed)| removed.rows).sum();
        self.mark_confirmed(&due).await?;
        Ok((rows, due.len() as u64))
    }

    /// Collects the hashes of messages and rows of these persons from the whole lake.
    async fn seen_of(&self, erasures: &Erasures) -> Result<Seen, LakeError> {
        let mut seen = Seen::default();
        for partition in self.partitions(None).await? {
            let manifest = read_manifest(&*self.store, &self.base_uri, partition).await?;
            match self.seen_in(partition, &manifest, erasures, &mut seen).await {
                // A commit replaced the part meanwhile; its rows are now in another part. Read the manifest again.
                Err(error) if error.is_not_found() => {
                    let manifest = read_manifest(&*self.store, &self.base_uri, partition).await?;
                    self.seen_in(partition, &manifest, erasures, &mut seen).await?;
                }
                other => other?,
            }
        }
        Ok(seen)
    }

    async fn seen_in(
        &self,
        partition: Partition,
        manifest: &Manifest,
        erasures: &Erasures,
        seen: &mut Seen,
    ) -> Result<(), LakeError> {
        let (table, columns) = (partition.table, searched_columns(partition.table));
        let at_any_time = erasures.at_any_time();
        for part in self.open_parts(partition, &manifest.parts).await? {
            for group in 0..part.groups.len() {
                let mut reader = part.read_group(&*self.store, group, Some(&columns)).await?;
                while let Some(batch) = reader.next_batch()? {
                    let marked = at_any_time.matches(table, &batch)?;
                    if !marked.contains(&true) {
                        continue;
                    }
                    seen.messages.extend(erasures.messages_of(table, &batch, &marked));
                    let covered = erasures.matches(table, &batch)?;
                    let rows = erasures.row_hashes(table, &batch)?.into_iter().zip(marked.iter().zip(&covered));
                    seen.rows.extend(rows.filter(|(_, (marked, covered))| marked != covered).map(|(hash, _)| hash));
                }
            }
        }
        Ok(())
    }

    /// Removes the rows of these persons from every partition. Returns the partitions that contained such rows. If
    /// one of a partition's `listed` parts is unreferenced, the partition's manifest is changed even if no row is
    /// removed.
    async fn erase_everywhere(
        &self,
        erasures: &Erasures,
        listed: &ListedParts,
    ) -> Result<Vec<(Partition, Removed)>, LakeError> {
        let mut partitions: BTreeSet<Partition> = self.partitions(None).await?.into_iter().collect();
        for (partition, names) in
            listed.iter().filter(|(partition, _)| !partitions.contains(partition)).collect::<Vec<_>>()
        {
            if self.holds_matches(*partition, names, erasures).await? {
                partitions.insert(*partition);
            }
        }
        let none = BTreeSet::new();
        let passes: Vec<_> = partitions
            .into_iter()
            .map(|partition| {
                let listed = listed.get(&partition).unwrap_or(&none);
                async move { Ok((partition, self.erase_in(partition, erasures, listed).await?)) }.boxed()
            })
            .collect();
        let passes = futures::stream::iter(passes).buffered(PARALLEL_PARTITIONS);
        passes.try_filter(|(_, removed)| std::future::ready(removed.rows > 0)).try_collect().await
    }

    /// Records the time of first reading in each entry that has none. Returns the list.
    async fn mark_seen(&self) -> Result<EntryList, LakeError> {
        self.change_list(|list| {
            let now_ms = self.environment.now_ms();
            list.entries.iter_mut().for_each(|entry| _ = entry.seen_ms.get_or_insert(now_ms));
            list.clone()
        })
        .await
    }

    fn confirm_after_ms(&self, entry: &Entry) -> Option<i64> {
        entry.seen_ms.map(|seen| seen.saturating_add(self.erasure_delay_ms()))
    }

    /// Time after which no writer can publish without knowing an entry, counted from its first reading, in
    /// milliseconds: three publish deadlines. One is the deadline itself, one allows for the request and clock
    /// differences, and after the third a part of such a writer is old enough for the repair of a partition without a
    /// manifest.
    fn erasure_delay_ms(&self) -> i64 {
        self.confirmation_delay_ms().saturating_div(2).saturating_mul(3)
    }

    /// Age in milliseconds after which no writer may publish a part: two publish deadlines, one of them for clock
    /// differences.
    pub(crate) fn confirmation_delay_ms(&self) -> i64 {
        i64::try_from(self.options.publish_deadline.as_millis()).unwrap_or(i64::MAX).saturating_mul(2)
    }

    fn remaining_copies(&self, now_ms: i64) -> Vec<RemainingCopy> {
        // The sweep runs hourly. One run records the part. If the manifest then changes late in the grace period, another
        // run starts the period again. A last run deletes the part.
        let swept_ms = now_ms
            .saturating_add(self.confirmation_delay_ms())
            .saturating_add(self.grace_ms().saturating_mul(2))
            .saturating_add(3 * 3_600_000);
        vec![
            RemainingCopy { place: "superseded_parts", until_ms: Some(swept_ms), ends_by: "the hourly sweep" },
            RemainingCopy { place: "raw_objects", until_ms: None, ends_by: "the expiry rule of raw/" },
            RemainingCopy {
                place: "rejected_lines",
                until_ms: None,
                ends_by: "an operator: no rule expires rejected/",
            },
            RemainingCopy {
                place: "bucket_versions",
                until_ms: None,
                ends_by: "the expiry rule of non-current versions",
            },
        ]
    }

    async fn mark_confirmed(&self, done: &[Entry]) -> Result<(), LakeError> {
        self.change_list(|list| {
            for entry in &mut list.entries {
                entry.confirmed |= done.iter().any(|done| done.hash == entry.hash && done.until_ms == entry.until_ms);
            }
        })
        .await
    }

    async fn change_list<R: Send>(&self, change: impl Fn(&mut EntryList) -> R + Send) -> Result<R, LakeError> {
        change_record(self, list_path(), change).await
    }

    /// Whether these parts hold rows of these persons. If the partition has no manifest and such rows exist, it is
    /// repaired, which creates a manifest without these rows.
    async fn holds_matches(
        &self,
        partition: Partition,
        names: &BTreeSet<String>,
        erasures: &Erasures,
    ) -> Result<bool, LakeError> {
        let names: Vec<String> = names.iter().cloned().collect();
        for part in self.open_parts(partition, &names).await? {
            if count_matches(self, partition, &part, erasures).await? > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Removes the rows of these persons from a partition by replacing the parts that contain them.
    async fn erase_in(
        &self,
        partition: Partition,
        erasures: &Erasures,
        listed: &BTreeSet<String>,
    ) -> Result<Removed, LakeError> {
        let mut removal = Removal { partition, erasures, listed, clean: BTreeSet::new(), removed: Removed::default() };
        let replaced = self.replace_parts(partition, &mut removal).await?;
        // If no part contains such a row any more, and the parts that the replacement was for are gone, then the
        // replacement took effect although its response was lost, and its result has been compacted since.
        let took_effect = replaced.published.is_some()
            || !removal.removed.superseded.iter().any(|name| replaced.parts.contains(name));
        Ok(if took_effect { removal.removed } else { Removed::default() })
    }
}

fn find_entry(list: EntryList, hash: &str) -> Result<Entry, LakeError> {
    list.entries.into_iter().find(|entry| entry.hash == hash).ok_or_else(|| {
        let problem = "an entry that was just written is missing".to_owned();
        LakeError::Damaged { object: list_path().to_string(), problem }
    })
}

/// State of the removal of erased persons from one partition.
struct Removal<'a> {
    partition: Partition,
    erasures: &'a Erasures,
    /// Parts in the store. A part that the manifest does not reference may still be published by its writer.
    listed: &'a BTreeSet<String>,
    /// File names of the parts without rows of these persons.
    clean: BTreeSet<String>,
    /// What the latest replacement removes.
    removed: Removed,
}

impl Removal<'_> {
    /// Finds the parts that contain rows of these persons. Also returns the number of these rows.
    async fn find_affected(&mut self, lake: &Lake, manifest: &Manifest) -> Result<(Vec<Arc<Part>>, u64), LakeError> {
        let (mut affected, mut rows) = (Vec::new(), 0);
        for part in lake.open_parts(self.partition, &manifest.parts).await? {
            if self.clean.contains(&part.name) {
                continue;
            }
            match count_matches(lake, self.partition, &part, self.erasures).await? {
                0 => _ = self.clean.insert(part.name.clone()),
                matches => {
                    rows += matches;
                    affected.push(part);
                }
            }
        }
        Ok((affected, rows))
    }
}

/// Counts the rows of these persons in a part.
async fn count_matches(lake: &Lake, partition: Partition, part: &Part, erasures: &Erasures) -> Result<u64, LakeError> {
    let unknown = part.unknown_columns(partition.table);
    let columns = searched_columns(partition.table);
    let mut matches = 0;
    for group in 0..part.groups.len() {
        let mut reader = part.read_group(&*lake.store, group, Some(&columns)).await?;
        while let Some(batch) = reader.next_batch()? {
            matches += erasures.matches(partition.table, &batch)?.into_iter().filter(|erased| *erased).count() as u64;
        }
    }
    if matches > 0 && !unknown.is_empty() {
        let problem =
            format!("a newer version wrote it, with the columns {}; erase with that version", unknown.join(", "));
        return Err(LakeError::Damaged { object: part.path.to_string(), problem });
    }
    Ok(matches)
}

impl PartsChange for Removal<'_> {
    async fn plan(
        &mut self,
        lake: &Lake,
        manifest: &Manifest,
        replacement: &mut Option<Replacement>,
    ) -> Result<(), LakeError> {
        let (affected, rows) = self.find_affected(lake, manifest).await?;
        let superseded: Vec<String> = affected.iter().map(|part| part.name.clone()).collect();
        replacement.take_if(|written| written.replaces != superseded);
        if replacement.is_some() {
            return Ok(());
        }
        if affected.is_empty() {
            if self.listed.iter().any(|name| !manifest.parts.contains(name)) {
                let (part, _) = lake.write_merged(self.partition, Vec::new()).await?;
                *replacement = Some(Replacement { part, replaces: Vec::new() });
            }
            return Ok(());
        }
        let keep = |batch: &RecordBatch| Ok(keep_mask(&self.erasures.matches(self.partition.table, batch)?));
        let sources = affected.iter().map(|part| Source::Part { part, filter: Some(&keep) }).collect();
        let (part, _) = lake.write_merged(self.partition, sources).await?;
        let old_rows: u64 = affected.iter().map(|part| part.rows).sum();
        if old_rows != part.rows + rows {
            let detail = format!("{old_rows} old, {rows} erased, {} written", part.rows);
            return Err(LakeError::Conservation { partition: self.partition, detail });
        }
        self.removed = Removed { rows, superseded: superseded.clone() };
        *replacement = Some(Replacement { part, replaces: superseded });
        Ok(())
    }
}

fn keep_mask(erased: &[bool]) -> BooleanArray {
    erased.iter().map(|erased| Some(!*erased)).collect()
}
