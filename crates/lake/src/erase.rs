//! Erasing a person: out of every partition through the same commit as rows come in, and onto the list that keeps them out.
//!
//! The order matters: first the list, then the rows. A writer that read the list before may still publish, but not later
//! than the publish deadline (rule R4); so a second pass after that deadline finds what it brought back. The sweep is that
//! pass; then the entry is confirmed. The deadline counts from when the entry was first seen in the list, by whoever looked.

use std::collections::BTreeSet;

use arrow::array::{BooleanArray, RecordBatch};
use futures::{FutureExt, StreamExt, TryStreamExt};
use object_store::PutOptions;

use crate::erasures::{Entry, EntryList, Erasures, Person, list_path, searched_columns};
use crate::error::LakeError;
use crate::lake::Lake;
use crate::manifest::read_manifest;
use crate::merge::Source;
use crate::outcome::{PutOutcome, is_ours};
use crate::part::Part;
use crate::partition::Partition;

/// Something outside the tables that still holds the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemainingCopy {
    /// What holds it: `superseded_parts`, `raw_objects`, `rejected_lines`, `bucket_versions`.
    pub what: &'static str,
    /// Until when, in milliseconds since 1970; `None` where a rule outside the lake decides.
    pub until_ms: Option<i64>,
    /// What ends it.
    pub ends_by: &'static str,
}

/// What an erasure did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EraseReport {
    /// Rows removed.
    pub rows_removed: u64,
    /// Partitions that held the person.
    pub partitions: Vec<Partition>,
    /// Parts that were replaced: their files still hold the person until the sweep deletes them.
    pub superseded_parts: Vec<String>,
    /// A sweep after this moment (milliseconds since 1970) confirms the erasure: a writer under way may not know of it yet.
    pub confirm_after_ms: i64,
    /// What still holds the person, and until when.
    pub remaining_copies: Vec<RemainingCopy>,
}

/// How far the erasure of a person has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErasureState {
    /// What happened, or was received, up to this moment is to be forgotten. Milliseconds since 1970.
    pub until_ms: i64,
    /// A sweep after this moment confirms it. Milliseconds since 1970; `None`: not before another sweep has seen it.
    pub confirm_after_ms: Option<i64>,
    /// Whether it is confirmed: no row of the person is named, and nobody can bring one back.
    pub confirmed: bool,
}

/// What removing persons from one partition did.
#[derive(Clone, Default)]
struct Removed {
    rows: u64,
    superseded: Vec<String>,
}

/// Partitions that a pass works on at the same time.
const PARALLEL_PARTITIONS: usize = 4;

impl Lake {
    /// Forgets a person: what happened, or was received, up to now. Safe to repeat. The next sweep after
    /// [`EraseReport::confirm_after_ms`] confirms it.
    ///
    /// # Errors
    /// [`LakeError::Invalid`] for a number or id that cannot be one. After any other error call it again.
    pub async fn erase(&self, person: &Person) -> Result<EraseReport, LakeError> {
        let until_ms = self.environment.now_ms();
        let key = self.ensure_erasure_key().await?;
        let hasher = Erasures::new(key.clone(), &[]);
        let hash = hasher.hash_of(person)?;
        hasher.check_key(&self.read_entries().await?.0)?;
        self.change_entries(|list| {
            // One that covers this request is its own, written although the answer was lost, or that of a later request.
            if list.entries.iter().all(|entry| entry.hash != hash || entry.until_ms < until_ms) {
                list.key_check.get_or_insert_with(|| hasher.key_check());
                list.entries.retain(|entry| entry.hash != hash);
                list.entries.push(Entry { hash: hash.clone(), until_ms, seen_ms: None, confirmed: false });
            }
        })
        .await?;
        let list = self.see_entries().await?;
        let Some(entry) = list.entries.into_iter().find(|entry| entry.hash == hash) else {
            return Err(LakeError::Damaged { object: list_path().to_string(), problem: "it lost an entry".to_owned() });
        };
        let confirm_after_ms = self.confirm_after_ms(&entry).unwrap_or(i64::MAX);
        let mut report = EraseReport { confirm_after_ms, ..Default::default() };
        for (partition, removed) in self.erase_everywhere(&Erasures::new(key, &[entry])).await? {
            report.rows_removed += removed.rows;
            report.partitions.push(partition);
            report.superseded_parts.extend(removed.superseded);
        }
        report.remaining_copies = self.remaining_copies(self.environment.now_ms());
        Ok(report)
    }

    /// How far the erasure of a person has come; `None` if nobody asked for it.
    ///
    /// # Errors
    /// As those of [`Lake::erase`].
    pub async fn erasure(&self, person: &Person) -> Result<Option<ErasureState>, LakeError> {
        let (list, _) = self.read_entries().await?;
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

    /// Removes again whoever was ever erased: after older manifests were put back. Returns the number of rows removed.
    ///
    /// # Errors
    /// The store's; call it again.
    pub async fn erase_again(&self) -> Result<u64, LakeError> {
        let erasures = self.erasures().await?;
        Ok(self.erase_everywhere(&erasures).await?.iter().map(|(_, removed)| removed.rows).sum())
    }

    /// Passes over the lake for the erasures that no writer can be unaware of any more. Rows removed, entries confirmed.
    pub(crate) async fn confirm_erasures(&self, now_ms: i64) -> Result<(u64, u64), LakeError> {
        let list = self.see_entries().await?;
        let is_due = |entry: &&Entry| !entry.confirmed && self.confirm_after_ms(entry).is_some_and(|at| now_ms > at);
        let due: Vec<Entry> = list.entries.iter().filter(is_due).cloned().collect();
        if due.is_empty() {
            return Ok((0, 0));
        }
        let erasures = self.erasures_of(&list, &due).await?;
        let rows = self.erase_everywhere(&erasures).await?.iter().map(|(_, removed)| removed.rows).sum();
        self.mark_confirmed(&due).await?;
        Ok((rows, due.len() as u64))
    }

    /// Removes these persons from every partition; returns those that held one.
    async fn erase_everywhere(&self, erasures: &Erasures) -> Result<Vec<(Partition, Removed)>, LakeError> {
        let passes: Vec<_> = self
            .partitions(None)
            .await?
            .into_iter()
            .map(|partition| async move { Ok((partition, self.erase_in(partition, erasures).await?)) }.boxed())
            .collect();
        let passes = futures::stream::iter(passes).buffered(PARALLEL_PARTITIONS);
        passes.try_filter(|(_, removed)| std::future::ready(removed.rows > 0)).try_collect().await
    }

    /// The list, after it was written down for each entry when it was first seen.
    async fn see_entries(&self) -> Result<EntryList, LakeError> {
        self.change_entries(|list| {
            let now_ms = self.environment.now_ms();
            list.entries.iter_mut().for_each(|entry| _ = entry.seen_ms.get_or_insert(now_ms));
            list.clone()
        })
        .await
    }

    fn confirm_after_ms(&self, entry: &Entry) -> Option<i64> {
        entry.seen_ms.map(|seen| seen.saturating_add(self.confirmation_delay_ms()))
    }

    /// How long after an entry was first seen a writer may still publish without knowing it: the publish deadline, and as
    /// much again for the request itself and for clocks that differ.
    pub(crate) fn confirmation_delay_ms(&self) -> i64 {
        i64::try_from(self.options.publish_deadline.as_millis()).unwrap_or(i64::MAX).saturating_mul(2)
    }

    fn remaining_copies(&self, now_ms: i64) -> Vec<RemainingCopy> {
        let grace_ms = i64::try_from(self.options.grace.as_millis()).unwrap_or(i64::MAX);
        // The sweep runs hourly: one to record the part after its settling time, one after the grace.
        let swept_ms =
            now_ms.saturating_add(grace_ms).saturating_add(self.confirmation_delay_ms()).saturating_add(2 * 3_600_000);
        vec![
            RemainingCopy { what: "superseded_parts", until_ms: Some(swept_ms), ends_by: "the hourly sweep" },
            RemainingCopy { what: "raw_objects", until_ms: None, ends_by: "the expiry rule of raw/" },
            RemainingCopy { what: "rejected_lines", until_ms: None, ends_by: "the expiry rule of rejected/" },
            RemainingCopy {
                what: "bucket_versions",
                until_ms: None,
                ends_by: "the expiry rule of non-current versions",
            },
        ]
    }

    async fn mark_confirmed(&self, done: &[Entry]) -> Result<(), LakeError> {
        self.change_entries(|list| {
            for entry in &mut list.entries {
                entry.confirmed |= done.iter().any(|done| done.hash == entry.hash && done.until_ms == entry.until_ms);
            }
        })
        .await
    }

    /// Changes the list of erasures: read, change, write on condition, until the list that was read holds the change.
    async fn change_entries<T>(&self, change: impl Fn(&mut EntryList) -> T) -> Result<T, LakeError> {
        for attempt in 1..=self.options.max_attempts {
            if attempt > 1 {
                self.back_off(attempt).await;
            }
            let (mut list, mode) = self.read_entries().await?;
            let before = list.clone();
            let result = change(&mut list);
            if list == before {
                return Ok(result);
            }
            let text = serde_json::to_string(&list).map_err(|error| LakeError::Invalid(error.to_string()))?;
            let options = PutOptions { mode, ..PutOptions::default() };
            match self.store.put_opts(&list_path(), text.into(), options).await {
                Ok(_) => return Ok(result),
                // Unclear: the next turn reads the list, and finds the change there if it was written.
                Err(error) => tracing::debug!(%error, "the list of erasures was not clearly written"),
            }
        }
        Err(LakeError::Busy { object: list_path().to_string(), attempts: self.options.max_attempts })
    }

    /// Removes the rows of these persons from a partition: each part that holds one is replaced.
    async fn erase_in(&self, partition: Partition, erasures: &Erasures) -> Result<Removed, LakeError> {
        let mut clean: BTreeSet<String> = BTreeSet::new();
        // What a write removed whose answer was lost, and the part that shows that it took effect.
        let (mut written_part, mut unclear): (Option<String>, Removed) = Default::default();
        for attempt in 1..=self.options.max_attempts {
            if attempt > 1 {
                self.back_off(attempt).await;
            }
            let started_ms = self.environment.now_ms();
            let manifest = read_manifest(&*self.store, &self.base_uri, partition).await?;
            if written_part.take().is_some_and(|name| is_ours(&manifest, Some(&name))) {
                return Ok(unclear);
            }
            let work = async {
                let mut dirty = Vec::new();
                let mut rows = 0;
                for part in self.open_parts(partition, &manifest.parts).await? {
                    if clean.contains(&part.name) {
                        continue;
                    }
                    match self.count_matches(partition, &part, erasures).await? {
                        0 => _ = clean.insert(part.name.clone()),
                        matches => {
                            rows += matches;
                            dirty.push(part);
                        }
                    }
                }
                if dirty.is_empty() {
                    return Ok(None);
                }
                let keep = |batch: &RecordBatch| Ok(keep_mask(&erasures.matches(batch)?));
                let sources = dirty.iter().map(|part| Source::Part { part, filter: Some(&keep) }).collect();
                let old_rows: u64 = dirty.iter().map(|part| part.rows).sum();
                let written =
                    if old_rows == rows { None } else { Some(self.write_merged(partition, sources).await?.0) };
                let written_rows = written.as_ref().map_or(0, |part| part.rows);
                if old_rows != written_rows + rows {
                    let detail = format!("{old_rows} old, {rows} erased, {written_rows} written");
                    return Err(LakeError::Conservation { partition, detail });
                }
                let superseded = dirty.iter().map(|part| part.name.clone()).collect();
                Ok(Some((written, Removed { rows, superseded })))
            };
            let (written, removed) = match work.await {
                // No part holds the person any more. If those that ours was to replace are gone, it was ours that did it: the
                // part that would show it may have been compacted since.
                Ok(None) if unclear.superseded.iter().any(|name| manifest.parts.contains(name)) => {
                    return Ok(Removed::default());
                }
                Ok(None) => return Ok(unclear),
                Ok(Some(work)) => work,
                Err(error) if LakeError::is_not_found(&error) => {
                    self.confirm_changed(partition, &manifest, &error).await?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            if self.is_late(started_ms) {
                continue;
            }
            let added = written.as_ref().map(|part| part.name.as_str());
            match self.publish(partition, &manifest, added, &removed.superseded).await {
                PutOutcome::Written => return Ok(removed),
                PutOutcome::Unclear(error) => {
                    tracing::debug!(%partition, %error, "the manifest's write was not clearly a success");
                    written_part = written.map(|part| part.name);
                    unclear = removed;
                }
                PutOutcome::Impossible(error) => return Err(error.into()),
            }
        }
        Err(LakeError::Contention { partition, attempts: self.options.max_attempts })
    }

    async fn count_matches(&self, partition: Partition, part: &Part, erasures: &Erasures) -> Result<u64, LakeError> {
        let unknown = part.unknown_columns(partition.table);
        let columns = searched_columns(partition.table);
        let mut matches = 0;
        for group in 0..part.groups.len() {
            let mut reader = part.read_group(&*self.store, group, Some(&columns)).await?;
            while let Some(batch) = reader.next_batch()? {
                matches += erasures.matches(&batch)?.into_iter().filter(|forget| *forget).count() as u64;
            }
        }
        if matches > 0 && !unknown.is_empty() {
            let problem = format!("a newer version wrote it, with columns {}; erase with that", unknown.join(", "));
            return Err(LakeError::Damaged { object: part.path.to_string(), problem });
        }
        Ok(matches)
    }
}

fn keep_mask(forget: &[bool]) -> BooleanArray {
    forget.iter().map(|forget| Some(!*forget)).collect()
}
