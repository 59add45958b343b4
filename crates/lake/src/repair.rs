//! Repair of a lost manifest from the parts of its partition.
//!
//! Superseded and abandoned parts lie in the same folder as current ones, and a listing does not distinguish them.
//! Their rows do: all rows of a superseded part are also in the part that replaced it. The repair therefore leaves
//! out parts whose rows are all in other parts, and keeps one copy of rows that occur in several of the remaining
//! parts. If no two different rows have the same key, the result is provably the content of the partition: every row
//! exactly once. Otherwise nothing is changed, and the parts are reported as candidates.
//!
//! An abandoned part is a part that its writer never published. Its rows are genuine, although their commit did not
//! succeed. If their raw object is processed again, the rows count as duplicates. Rows of erased persons are left out.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use object_store::ObjectMeta;

use crate::columns::conform;
use crate::digest::{RowDigest, row_digest};
use crate::erasure::Erasures;
use crate::error::LakeError;
use crate::keys::RowEncoder;
use crate::lake::Lake;
use crate::manifest::{Manifest, read_manifest};
use crate::merge::Source;
use crate::outcome::PutOutcome;
use crate::part::Part;
use crate::partition::Partition;

/// Result of the repair of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// The partition. It has parts, but no manifest or an empty one.
    pub partition: Partition,
    /// File names of the parts that the new manifest references; empty if nothing was changed.
    pub restored: Vec<String>,
    /// Number of rows of these parts.
    pub rows: u64,
    /// If nothing was changed: file names of the parts, some of which hold different rows with the same key.
    pub candidates: Vec<String>,
}

/// A part and the digests of its rows.
struct Candidate {
    part: Arc<Part>,
    /// Digest of each row, by the digest of its key.
    rows: HashMap<RowDigest, RowDigest>,
    /// Whether the part contains rows of erased persons. They are not in `rows`.
    has_erased: bool,
}

impl Lake {
    /// Rebuilds the manifest of every partition that has parts but no manifest, if the parts alone show which rows the
    /// partition had. With `dry_run` it only reports. Memory holds the digests of one partition at a time.
    ///
    /// # Errors
    /// The store failed, or a part cannot be read.
    pub async fn repair(&self, dry_run: bool) -> Result<Vec<Repair>, LakeError> {
        let mut by_partition: HashMap<Partition, Vec<ObjectMeta>> = HashMap::new();
        for (partition, _, part) in self.list_parts(None).await? {
            by_partition.entry(partition).or_default().push(part);
        }
        let mut partitions: Vec<Partition> = by_partition.into_keys().collect();
        partitions.sort_unstable();
        let mut repairs = Vec::new();
        for partition in partitions {
            let manifest = read_manifest(&*self.store, &self.base_uri, partition).await?;
            if manifest.parts.is_empty() {
                repairs.extend(self.repair_partition(partition, &manifest, dry_run).await?);
            }
        }
        Ok(repairs)
    }

    /// Called before a commit creates a manifest. If the partition has parts that are too old to belong to another
    /// writer's first commit, its manifest was lost or never written. It is rebuilt, or the commit fails.
    pub(crate) async fn repair_before_first_commit(
        &self,
        partition: Partition,
        manifest: &Manifest,
    ) -> Result<bool, LakeError> {
        let parts = self.list_parts(Some(partition)).await?;
        let now_ms = self.environment.now_ms();
        let is_old = |part: &ObjectMeta| now_ms - crate::sweep::created_at_ms(part) > self.confirmation_delay_ms();
        if !parts.iter().any(|(_, _, part)| is_old(part)) {
            return Ok(false);
        }
        tracing::warn!(%partition, "the partition has parts but no manifest: it is rebuilt from them");
        match self.repair_partition(partition, manifest, false).await? {
            Some(repair) if !repair.candidates.is_empty() => {
                let problem = format!(
                    "it is missing, and {} parts hold different rows with the same key; run `bluetick repair`",
                    repair.candidates.len()
                );
                Err(LakeError::Damaged { object: partition.manifest_path().to_string(), problem })
            }
            repaired => Ok(repaired.is_some()),
        }
    }

    async fn repair_partition(
        &self,
        partition: Partition,
        manifest: &Manifest,
        dry_run: bool,
    ) -> Result<Option<Repair>, LakeError> {
        let names: Vec<String> = self.list_parts(Some(partition)).await?.into_iter().map(|(_, name, _)| name).collect();
        let erasures = self.erasures().await?;
        let mut candidates = Vec::new();
        for part in self.open_parts(partition, &names).await? {
            candidates.push(self.read_candidate(partition, part, &erasures).await?);
        }
        if candidates.is_empty() {
            return Ok(None);
        }
        // If all rows belong to erased persons, the partition had no other rows: the manifest gets a part without rows.
        candidates.retain(|candidate| !candidate.rows.is_empty());
        drop_covered(&mut candidates);
        let names = candidates.iter().map(|candidate| candidate.part.name.clone()).collect();
        let mut repair = Repair { partition, restored: Vec::new(), rows: 0, candidates: Vec::new() };
        let Some(keys) = count_keys(&candidates) else {
            repair.candidates = names;
            return Ok(Some(repair));
        };
        repair.rows = keys;
        repair.restored = if dry_run { names } else { self.restore(partition, manifest, &candidates).await? };
        Ok(Some(repair))
    }

    async fn read_candidate(
        &self,
        partition: Partition,
        part: Arc<Part>,
        erasures: &Erasures,
    ) -> Result<Candidate, LakeError> {
        let (keys, whole) = (RowEncoder::key(partition.table)?, RowEncoder::whole_row(partition.table)?);
        let (mut rows, mut has_erased) = (HashMap::new(), false);
        for group in 0..part.groups.len() {
            let mut reader = part.read_group(&*self.store, group, None).await?;
            while let Some(batch) = reader.next_batch()? {
                let batch = conform(partition.table, &batch)?;
                let erased = erasures.matches(partition.table, &batch)?;
                for ((key, row), erased) in keys.encode(&batch)?.iter().zip(&whole.encode(&batch)?).zip(erased) {
                    has_erased |= erased;
                    if !erased {
                        rows.insert(row_digest(key.data()), row_digest(row.data()));
                    }
                }
            }
        }
        Ok(Candidate { part, rows, has_erased })
    }

    /// Writes a manifest of these parts. It always includes one new part (rule R8). The new part replaces the parts
    /// that share rows or contain rows of erased persons; if there are none, it has no rows.
    async fn restore(
        &self,
        partition: Partition,
        manifest: &Manifest,
        candidates: &[Candidate],
    ) -> Result<Vec<String>, LakeError> {
        let mut taken: HashSet<RowDigest> = HashSet::new();
        let (mut names, mut rewritten) = (Vec::new(), Vec::new());
        for candidate in candidates {
            let wanted: HashSet<RowDigest> =
                candidate.rows.keys().filter(|key| !taken.contains(*key)).copied().collect();
            if !candidate.has_erased && wanted.len() == candidate.rows.len() {
                names.push(candidate.part.name.clone());
            } else {
                rewritten.push((candidate, wanted.clone()));
            }
            taken.extend(wanted);
        }
        let encoder = RowEncoder::key(partition.table)?;
        let filters: Vec<_> = rewritten
            .iter()
            .map(|(_, wanted)| {
                |batch: &RecordBatch| {
                    let keys = encoder.encode(batch)?;
                    Ok(keys.iter().map(|key| Some(wanted.contains(&row_digest(key.data())))).collect())
                }
            })
            .collect();
        let sources = rewritten.iter().zip(&filters);
        let sources =
            sources.map(|((candidate, _), filter)| Source::Part { part: &candidate.part, filter: Some(filter) });
        let (written, _) = self.write_merged(partition, sources.collect()).await?;
        names.push(written.name);
        match self.publish(partition, manifest, &names).await {
            PutOutcome::Written => Ok(names),
            PutOutcome::Unclear(error) => {
                let object = partition.manifest_path().to_string();
                Err(LakeError::Contention { object, attempts: 1, last: Some(error) })
            }
            PutOutcome::Impossible(error) => Err(error.into()),
        }
    }
}

/// Number of distinct keys; `None` if two different rows have the same key.
fn count_keys(candidates: &[Candidate]) -> Option<u64> {
    let mut rows: HashMap<&RowDigest, &RowDigest> = HashMap::new();
    for (key, row) in candidates.iter().flat_map(|candidate| &candidate.rows) {
        if *rows.entry(key).or_insert(row) != row {
            return None;
        }
    }
    Some(rows.len() as u64)
}

/// Removes the parts whose rows are all in other parts, starting with the smallest.
fn drop_covered(candidates: &mut Vec<Candidate>) {
    candidates.sort_by_key(|candidate| (candidate.rows.len(), candidate.part.name.clone()));
    let mut index = 0;
    while index < candidates.len() {
        let is_covered = candidates.get(index).is_some_and(|candidate| {
            let others = || candidates.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, other)| other);
            candidate.rows.iter().all(|(key, row)| others().any(|other| other.rows.get(key) == Some(row)))
        });
        if is_covered {
            candidates.remove(index);
        } else {
            index += 1;
        }
    }
}
