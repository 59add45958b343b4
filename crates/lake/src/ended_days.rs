//! Compacts days that have ended. It is the last step of a sweep.
//!
//! Commits leave up to eight parts in a partition. After the day has ended, few rows arrive, so the parts are merged
//! into one, or into a few if they are large. Parts without rows are ignored: the sweep itself adds such parts (rule
//! R8). If the sweep compacted them, each part that it adds would make it rewrite the whole day.
//!
//! The compaction itself changes the manifest. So the sweep records the superseded parts as unreferenced together with
//! the manifest that still referenced them, and a later sweep deletes these parts without a fence: a late write whose
//! condition names this older manifest fails, and no other write can reference the parts.

use std::cmp::Reverse;
use std::sync::Arc;

use futures::{FutureExt, StreamExt};

use crate::compaction;
use crate::error::LakeError;
use crate::invariants::check_conservation;
use crate::lake::Lake;
use crate::manifest::Manifest;
use crate::merge::Source;
use crate::part::{Part, PartSize};
use crate::partition::Partition;
use crate::retry::{PartsChange, Replacement};

/// Maximum number of partitions whose footers are read concurrently.
const PARTITIONS_AT_ONCE: usize = 16;

/// Time after which no further compaction begins, in milliseconds. The sweep function may run for ten minutes, and the
/// next sweep continues.
const BUDGET_MS: i64 = 4 * 60_000;

/// A partition with several parts, and the file names of these parts.
pub(crate) type Candidate = (Partition, Vec<String>);

impl Lake {
    /// Compacts those of the partitions whose day has ended, the latest day first. Returns the number of superseded
    /// parts. An error in one partition does not stop the others; the first error is returned at the end.
    pub(crate) async fn compact_ended_days(&self, candidates: Vec<Candidate>) -> Result<u64, LakeError> {
        let started_ms = self.environment.now_ms();
        let ended = candidates.into_iter().filter(|(partition, _)| self.end_factor(*partition).is_some());
        let checks: Vec<_> = ended
            .map(|(partition, names)| async move { (partition, self.has_leftovers(partition, &names).await) }.boxed())
            .collect();
        let checks = futures::stream::iter(checks).buffered(PARTITIONS_AT_ONCE).collect::<Vec<_>>().await;
        let (mut days, mut first_error) = (Vec::new(), None);
        for (partition, has_leftovers) in checks {
            match has_leftovers {
                Ok(true) => days.push(partition),
                Ok(false) => {}
                Err(error) => _ = first_error.get_or_insert(error),
            }
        }
        days.sort_by_key(|partition| (Reverse(partition.date), partition.table));
        let mut superseded = 0;
        for partition in days {
            let elapsed_ms = self.environment.now_ms().saturating_sub(started_ms);
            if elapsed_ms > BUDGET_MS {
                tracing::info!(%partition, "no time is left to compact this and earlier days; the next sweep continues");
                break;
            }
            match self.compact_day(partition).await {
                Ok(parts) => superseded += parts,
                Err(error) => _ = first_error.get_or_insert(error),
            }
        }
        first_error.map_or(Ok(superseded), Err)
    }

    /// The merged part must have at least this many times the rows of the largest part that is merged into it (see
    /// [`compaction::choose_ended`]). `None` if the day has not ended.
    fn end_factor(&self, partition: Partition) -> Option<f64> {
        let since_end_ms = self.environment.now_ms().saturating_sub(partition.time_range().1);
        let closed_after = self.options.closed_after.as_millis();
        match u128::try_from(since_end_ms) {
            Ok(since_end_ms) if since_end_ms > closed_after => Some(1.0),
            Ok(since_end_ms) if since_end_ms > 0 => Some(compaction::ENDED_FACTOR),
            _ => None,
        }
    }

    async fn has_leftovers(&self, partition: Partition, names: &[String]) -> Result<bool, LakeError> {
        match self.open_parts(partition, names).await {
            Ok(parts) => Ok(!self.leftovers(partition, &parts).is_empty()),
            // A commit has replaced the part meanwhile. The next sweep looks at the partition again.
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The parts to merge, smallest first. Parts with columns of a newer version are left alone.
    fn leftovers(&self, partition: Partition, parts: &[Arc<Part>]) -> Vec<Arc<Part>> {
        let Some(factor) = self.end_factor(partition) else { return Vec::new() };
        let by_size = compaction::by_size(partition.table, parts);
        let sizes: Vec<PartSize> = by_size.iter().map(|part| part.size()).collect();
        let chosen = compaction::choose_ended(&sizes, factor, &self.options);
        by_size.into_iter().take(chosen).collect()
    }

    /// Compacts a partition until nothing is left to compact. Returns the number of superseded parts.
    async fn compact_day(&self, partition: Partition) -> Result<u64, LakeError> {
        let mut superseded = 0;
        loop {
            let mut change = DayCompaction { partition, replaced_manifest: String::new() };
            let replaced = self.replace_parts(partition, &mut change).await?;
            let Some(replacement) = replaced.published else { return Ok(superseded) };
            self.record_superseded(partition, &replacement.replaces, &change.replaced_manifest).await?;
            superseded += replacement.replaces.len() as u64;
        }
    }
}

/// Merges the leftovers of a day into one part.
struct DayCompaction {
    partition: Partition,
    /// SHA-256 of the manifest that the latest plan replaces.
    replaced_manifest: String,
}

impl PartsChange for DayCompaction {
    async fn plan(
        &mut self,
        lake: &Lake,
        manifest: &Manifest,
        replacement: &mut Option<Replacement>,
    ) -> Result<(), LakeError> {
        self.replaced_manifest.clone_from(&manifest.digest);
        replacement.take_if(|written| !written.fits(manifest));
        if replacement.is_some() {
            return Ok(());
        }
        let parts = lake.open_parts(self.partition, &manifest.parts).await?;
        let leftovers = lake.leftovers(self.partition, &parts);
        if leftovers.is_empty() {
            return Ok(());
        }
        let sources = leftovers.iter().map(|part| Source::Part { part, filter: None }).collect();
        let (part, _) = lake.write_merged(self.partition, sources).await?;
        let replaces: Vec<String> = leftovers.iter().map(|part| part.name.clone()).collect();
        check_conservation(self.partition, &parts, &part, &replaces, 0)?;
        *replacement = Some(Replacement { part, replaces });
        Ok(())
    }
}
