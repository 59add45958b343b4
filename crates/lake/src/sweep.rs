//! The sweep: deletes parts that no manifest references any more, after a grace period for readers. Afterwards it
//! confirms erasures and compacts days that have ended.
//!
//! A part is deleted when (rule R3) no manifest references it, an earlier sweep recorded it as unreferenced, and the
//! grace period has passed since then. A part younger than two publish deadlines is not recorded, because its writer
//! may still publish it. After two publish deadlines rule R4 forbids the writer to publish. So when the grace period
//! starts, no manifest references the part, and none will.
//!
//! A writer that is suspended between its last clock check and its write can break R4. Therefore (rule R8) the manifest
//! of the partition must have changed since the part was recorded. The condition of the late write then fails: every
//! publication adds a part under a new name, so the lake never writes an earlier text of a manifest again.
//! - If a later sweep finds that the manifest has changed, a late write may have published the part and a commit may
//!   have replaced it again. So the sweep records the part anew, as "settled", and the grace period starts again.
//! - If the manifest is still the same after the grace period, the sweep changes it by adding a part without rows, a
//!   "fence". The part was not published in between, so the sweep deletes it at once.
//!
//! If a partition has parts but no manifest, the manifest may have been lost. The sweep deletes nothing there and
//! reports the partition.

use std::collections::{BTreeMap, BTreeSet};

use bluetick_storage::delete_leftovers;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ended_days::Candidate;
use crate::environment::uuid_time_ms;
use crate::error::LakeError;
use crate::lake::Lake;
use crate::manifest::{Manifest, read_manifest};
use crate::metadata::{change_record, read_record, write_record};
use crate::outcome::PutOutcome;
use crate::partition::Partition;
use crate::retry::{PartsChange, Replacement};

/// Maximum number of manifests read concurrently.
const MANIFESTS_AT_ONCE: usize = 16;

/// Result of a sweep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Number of parts that manifests reference.
    pub referenced: u64,
    /// Number of parts that no manifest references, including young ones.
    pub unreferenced: u64,
    /// Paths of the deleted parts inside the lake; with `dry_run`, of the parts that would be deleted.
    pub deleted: Vec<String>,
    /// Total bytes of the deleted parts.
    pub bytes_deleted: u64,
    /// Number of manifests changed before parts were deleted (rule R8).
    pub fenced_manifests: u64,
    /// Partitions that have parts but no manifest, or an empty one. Nothing was deleted there; see [`Lake::repair`].
    pub without_manifest: Vec<Partition>,
    /// Rows of erased persons that late writers had re-inserted and that were removed.
    pub erased_rows: u64,
    /// Number of erasures confirmed.
    pub confirmed_erasures: u64,
    /// Parts of ended days that were compacted. A later sweep deletes them.
    pub compacted_parts: u64,
}

/// Record of an unreferenced part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sighting {
    /// When a sweep found the part unreferenced, in milliseconds since 1970. The grace period starts then.
    first_seen_ms: i64,
    /// SHA-256 of the partition's manifest at that time. If a compaction superseded the part just then, that of the
    /// manifest which the compaction replaced.
    manifest: String,
    /// True if no write can publish the part any more: the manifest has been replaced since the part was first
    /// recorded, or the compaction that superseded the part replaced it.
    #[serde(default)]
    settled: bool,
}

/// The stored record of all sweeps: each unreferenced part by its path inside the lake.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Unreferenced {
    #[serde(default)]
    parts: BTreeMap<String, Sighting>,
}

fn record_path() -> Path {
    Path::from_iter(["sweep", "unreferenced.json"])
}

/// The unreferenced parts to delete of each partition. The key's first member says whether the manifest must be changed
/// first. Partitions that need no write come first, because on a full disk deletions free space.
type Due = BTreeMap<(bool, Partition), Vec<ObjectMeta>>;

impl Lake {
    /// Deletes superseded and abandoned parts, confirms erasures that are due, and compacts days that have ended. With
    /// `dry_run` it only reports. Sweeps may overlap: the record is written conditionally, and a part that another sweep
    /// deleted first is not an error.
    ///
    /// # Errors
    /// The store failed. A later sweep does what remains.
    pub async fn sweep(&self, dry_run: bool) -> Result<SweepReport, LakeError> {
        let (mut report, mut candidates) = (SweepReport::default(), Vec::new());
        let deleted = self.delete_unreferenced(dry_run, &mut report, &mut candidates).await;
        if dry_run {
            return deleted.map(|()| report);
        }
        // Confirm erasures even if a part could not be deleted. Compact last, because this may take longest.
        (report.erased_rows, report.confirmed_erasures) = self.confirm_erasures().await?;
        let compacted = self.compact_ended_days(candidates).await;
        deleted?;
        report.compacted_parts = compacted?;
        Ok(report)
    }

    /// Deletes parts that are due. Adds the partitions with several parts to `candidates` of a compaction.
    async fn delete_unreferenced(
        &self,
        dry_run: bool,
        report: &mut SweepReport,
        candidates: &mut Vec<Candidate>,
    ) -> Result<(), LakeError> {
        let (known, mode) = read_record::<Unreferenced>(self, &record_path()).await?;
        // List the parts before reading the manifests: a part that is published in between then counts as referenced.
        let parts = self.list_parts(None).await?;
        let mut manifests: BTreeMap<Partition, Manifest> = BTreeMap::new();
        // Read manifests concurrently; years of partitions would exceed a Lambda function's time-out one by one.
        let reads = futures::stream::iter(self.partitions(None).await?).map(|partition| async move {
            Ok::<_, LakeError>((partition, read_manifest(&*self.store, &self.base_uri, partition).await?))
        });
        let mut reads = std::pin::pin!(reads.buffer_unordered(MANIFESTS_AT_ONCE));
        while let Some((partition, manifest)) = reads.try_next().await? {
            manifests.insert(partition, manifest);
        }
        report.referenced = manifests.values().map(|manifest| manifest.parts.len() as u64).sum();
        // Read the clock after the manifests: a part that is unreferenced now may have been referenced until a moment
        // ago, and the sweep may have been suspended since it began.
        let now_ms = self.environment.now_ms();
        let (grace_ms, delay_ms) = (self.grace_ms(), self.confirmation_delay_ms());
        let (mut record, mut due) = (Unreferenced::default(), Due::new());
        let mut without_manifest = BTreeSet::new();
        for (partition, name, part) in parts {
            let manifest = manifests.get(&partition).filter(|manifest| !manifest.parts.is_empty());
            if manifest.is_some_and(|manifest| manifest.parts.contains(&name)) {
                continue;
            }
            report.unreferenced += 1;
            let path = part.location.to_string();
            let Some(manifest) = manifest else {
                // The first writer of the partition may be about to create the manifest, so young parts are no sign
                // of a loss.
                if now_ms.saturating_sub(created_at_ms(&part)) > delay_ms {
                    without_manifest.insert(partition);
                }
                continue;
            };
            match known.parts.get(&path) {
                // A late write may have published the part in the meantime, and readers may still use the manifest that
                // this write published.
                Some(sighting) if !sighting.settled && sighting.manifest != manifest.digest => {
                    let manifest = manifest.digest.clone();
                    record.parts.insert(path, Sighting { first_seen_ms: now_ms, manifest, settled: true });
                }
                Some(sighting) => {
                    if now_ms.saturating_sub(sighting.first_seen_ms) > grace_ms {
                        due.entry((!sighting.settled, partition)).or_default().push(part);
                    }
                    record.parts.insert(path, sighting.clone());
                }
                None if now_ms.saturating_sub(created_at_ms(&part)) > delay_ms => {
                    let manifest = manifest.digest.clone();
                    let sighting = Sighting { first_seen_ms: now_ms, manifest, settled: false };
                    record.parts.insert(path, sighting);
                }
                None => {}
            }
        }
        for partition in &without_manifest {
            tracing::error!(%partition, "parts but no manifest: nothing is deleted; run `bluetick repair`");
        }
        report.without_manifest = without_manifest.into_iter().collect();
        if let Some(directory) = self.directory.clone().filter(|_| !dry_run) {
            let before_ms = now_ms.saturating_sub(grace_ms).saturating_sub(delay_ms);
            report.deleted.extend(delete_leftovers(directory, before_ms).await?);
        }
        let several = manifests.into_iter().filter(|(_, manifest)| manifest.parts.len() > 1);
        candidates.extend(several.map(|(partition, manifest)| (partition, manifest.parts)));
        let result = self.delete_due(due, dry_run, &mut record, report).await;
        if !dry_run && record != known {
            // If another sweep wrote the record concurrently, its version is kept; it is equally valid.
            if let PutOutcome::Unclear(error) | PutOutcome::Impossible(error) =
                write_record(self, &record_path(), &record, mode).await?
            {
                tracing::warn!(%error, "the record of unreferenced parts was not written; the next sweep writes it");
            }
        }
        result
    }

    /// Deletes parts. An error in one partition does not stop the others; the first error is returned at the end.
    async fn delete_due(
        &self,
        due: Due,
        dry_run: bool,
        record: &mut Unreferenced,
        report: &mut SweepReport,
    ) -> Result<(), LakeError> {
        let mut first_error = None;
        for ((needs_fence, partition), parts) in due {
            let safe = if needs_fence && !dry_run { self.fence(partition, &parts, record).await } else { Ok(true) };
            let deleted = match safe {
                Ok(true) => {
                    report.fenced_manifests += u64::from(needs_fence && !dry_run);
                    self.delete_in(parts, dry_run, record, report).await
                }
                Ok(false) => Ok(()),
                Err(error) => Err(error),
            };
            if let Err(error) = deleted {
                first_error.get_or_insert(error);
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    /// Changes the manifest that is recorded with the parts. Returns false if another process has changed it: it may
    /// have published a part, so the next sweep decides again.
    async fn fence(
        &self,
        partition: Partition,
        parts: &[ObjectMeta],
        record: &Unreferenced,
    ) -> Result<bool, LakeError> {
        let recorded = parts.iter().filter_map(|part| record.parts.get(part.location.as_ref()));
        let recorded = recorded.map(|sighting| sighting.manifest.clone()).collect();
        let replaced = self.replace_parts(partition, &mut Fence { partition, recorded }).await?;
        Ok(replaced.published.is_some())
    }

    async fn delete_in(
        &self,
        parts: Vec<ObjectMeta>,
        dry_run: bool,
        record: &mut Unreferenced,
        report: &mut SweepReport,
    ) -> Result<(), LakeError> {
        for part in parts {
            if !dry_run {
                self.delete_part(&part.location).await?;
            }
            record.parts.remove(part.location.as_ref());
            report.bytes_deleted += part.size;
            report.deleted.push(part.location.to_string());
        }
        Ok(())
    }

    async fn delete_part(&self, path: &Path) -> Result<(), LakeError> {
        match self.store.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Records parts that were superseded just now, together with the SHA-256 of the last manifest that referenced them.
    /// Parts whose writer may still publish them are left out; a sweep records them later.
    pub(crate) async fn record_superseded(
        &self,
        partition: Partition,
        names: &[String],
        manifest: &str,
    ) -> Result<(), LakeError> {
        let now_ms = self.environment.now_ms();
        let is_old = |name: &&String| {
            let created_ms = part_uuid(name).and_then(|uuid| uuid_time_ms(&uuid));
            created_ms.is_some_and(|created_ms| now_ms.saturating_sub(created_ms) > self.confirmation_delay_ms())
        };
        let paths: Vec<String> =
            names.iter().filter(is_old).map(|name| partition.part_path(name).to_string()).collect();
        let sighting = Sighting { first_seen_ms: now_ms, manifest: manifest.to_owned(), settled: true };
        change_record(self, record_path(), |record: &mut Unreferenced| {
            record.parts.extend(paths.iter().map(|path| (path.clone(), sighting.clone())));
        })
        .await
    }

    /// Lists the parts in the store, referenced or not, of one partition or of all. Objects whose name cannot be a
    /// part's are left out.
    pub(crate) async fn list_parts(
        &self,
        partition: Option<Partition>,
    ) -> Result<Vec<(Partition, String, ObjectMeta)>, LakeError> {
        let prefix = partition.map_or_else(|| Path::from("data"), |partition| partition.part_folder());
        let parts = self.store.list(Some(&prefix)).try_filter_map(|meta| async {
            let found = Partition::parse_path("data", meta.location.as_ref());
            let found = found.map(|(partition, name)| (partition, name.to_owned()));
            Ok(found.filter(|(_, name)| part_uuid(name).is_some()).map(|(partition, name)| (partition, name, meta)))
        });
        Ok(parts.try_collect().await?)
    }

    /// The grace period in milliseconds.
    pub(crate) fn grace_ms(&self) -> i64 {
        i64::try_from(self.options.grace.as_millis()).unwrap_or(i64::MAX)
    }
}

/// Changes the text of a manifest by adding a part without rows, unless it has changed already.
struct Fence {
    partition: Partition,
    /// SHA-256 of the manifests that must be replaced.
    recorded: BTreeSet<String>,
}

impl PartsChange for Fence {
    async fn plan(
        &mut self,
        lake: &Lake,
        manifest: &Manifest,
        replacement: &mut Option<Replacement>,
    ) -> Result<(), LakeError> {
        if !self.recorded.contains(&manifest.digest) {
            *replacement = None;
        } else if replacement.is_none() {
            let (part, _) = lake.write_merged(self.partition, Vec::new()).await?;
            *replacement = Some(Replacement { part, replaces: Vec::new() });
        }
        Ok(())
    }
}

/// Creation time of a part in milliseconds since 1970: from its UUID name, else the store's modification time.
pub(crate) fn created_at_ms(part: &ObjectMeta) -> i64 {
    let uuid = part.location.filename().and_then(part_uuid);
    uuid.and_then(|uuid| uuid_time_ms(&uuid)).unwrap_or_else(|| part.last_modified.timestamp_millis())
}

/// The UUID in a part's file name `<uuid>.parquet`; `None` for any other name. The parser of UUIDs also accepts spellings
/// that the lake never writes, such as capital letters and braces.
fn part_uuid(name: &str) -> Option<Uuid> {
    let name = name.strip_suffix(".parquet")?;
    Uuid::parse_str(name).ok().filter(|uuid| uuid.to_string() == name)
}
