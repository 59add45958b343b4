//! Restores an earlier version of a manifest.
//!
//! The version's text is not written again, because no manifest may ever have the same text twice (rule R8), and the
//! sweep may delete a part that no manifest references at any moment. Instead, [`Lake::restore_manifest`] merges the
//! parts of the version into one new part, and publishes it in the place of all current parts by the same loop as a
//! commit. So the parts of the version need to exist only until the new part is written. Rows of erased persons are
//! left out.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};

use crate::columns::conform;
use crate::digest::{RowDigest, row_digest};
use crate::erasure::Erasures;
use crate::error::LakeError;
use crate::keys::RowEncoder;
use crate::lake::Lake;
use crate::manifest::{Manifest, parse};
use crate::merge::Source;
use crate::part::Part;
use crate::partition::Partition;
use crate::retry::{PartsChange, Replacement};

/// Result of [`Lake::restore_manifest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreReport {
    /// The partition of the manifest.
    pub partition: Partition,
    /// Number of parts of the earlier version.
    pub parts: u64,
    /// Rows of the partition after the restore.
    pub rows: u64,
    /// Rows of the earlier version that were left out, because they belong to erased persons.
    pub erased: u64,
    /// Number of current parts that the restore replaced; 0 with `dry_run`.
    pub replaced: u64,
}

/// State of the restore of one partition.
struct Restore<'a> {
    partition: Partition,
    /// File names of the parts of the earlier version.
    names: &'a [String],
    parts: Vec<Arc<Part>>,
    erasures: Erasures,
    /// Rows of the earlier version that are kept, and rows of erased persons.
    kept: u64,
    erased: u64,
}

impl Lake {
    /// Restores an earlier version of a manifest: the partition then holds the rows of the parts that `text` lists,
    /// except rows of erased persons, and no other rows. `text` is the version as it was read from the store. With
    /// `dry_run` everything is checked and nothing is written.
    ///
    /// Rows that were committed after the version leave the lake. Move their raw objects into the lake again.
    ///
    /// # Errors
    /// [`LakeError::Invalid`] if `text` is not a version of a manifest of this lake, or if one of its parts does not
    /// exist any more. Otherwise as for a commit.
    pub async fn restore_manifest(&self, text: &str, dry_run: bool) -> Result<RestoreReport, LakeError> {
        let partition = partition_of(text, &self.base_uri)?;
        let names = parse(text, &self.base_uri, partition).map_err(LakeError::Invalid)?;
        let mut restore =
            Restore { partition, names: &names, parts: Vec::new(), erasures: Erasures::default(), kept: 0, erased: 0 };
        let mut replaced = 0;
        if dry_run {
            restore.restart(self).await?;
        } else {
            let outcome = self.replace_parts(partition, &mut restore).await?;
            replaced = outcome.published.map_or(0, |published| published.replaces.len() as u64);
        }
        let (rows, erased) = (restore.kept, restore.erased);
        Ok(RestoreReport { partition, parts: names.len() as u64, rows, erased, replaced })
    }
}

/// The partition of the first line of a manifest.
fn partition_of(text: &str, base_uri: &str) -> Result<Partition, LakeError> {
    let line = text.lines().next().unwrap_or_default();
    let path = line.strip_prefix(base_uri).and_then(|rest| rest.strip_prefix('/'));
    let found = path.and_then(|path| Partition::parse_path("data", path));
    found.map(|(partition, _)| partition).ok_or_else(|| {
        LakeError::Invalid(format!("the first line of the manifest, {line:?}, does not name a part below {base_uri}"))
    })
}

impl Restore<'_> {
    /// Counts the rows of the parts. Two parts that share a row are not of one version.
    async fn count_rows(&mut self, lake: &Lake) -> Result<(), LakeError> {
        let encoder = RowEncoder::key(self.partition.table)?;
        let mut keys: HashSet<RowDigest> = HashSet::new();
        (self.kept, self.erased) = (0, 0);
        for part in &self.parts {
            let unknown = part.unknown_columns(self.partition.table);
            if !unknown.is_empty() {
                let problem = format!(
                    "a newer version of Bluetick wrote it, with the columns {}; restore with that version",
                    unknown.join(", ")
                );
                return Err(LakeError::Damaged { object: part.path.to_string(), problem });
            }
            for group in 0..part.groups.len() {
                let mut reader = part.read_group(&*lake.store, group, None).await?;
                while let Some(batch) = reader.next_batch()? {
                    let batch = conform(self.partition.table, &batch)?;
                    let erased = self.erasures.matches(self.partition.table, &batch)?;
                    for (key, erased) in encoder.encode(&batch)?.iter().zip(erased) {
                        if !keys.insert(row_digest(key.data())) {
                            return Err(LakeError::Invalid(format!(
                                "{} has a row that another listed part has, too: the list is not one version of a manifest",
                                part.path
                            )));
                        }
                        let count = if erased { &mut self.erased } else { &mut self.kept };
                        *count += 1;
                    }
                }
            }
        }
        Ok(())
    }

    async fn write(&self, lake: &Lake) -> Result<Part, LakeError> {
        let keep = |batch: &RecordBatch| {
            let erased = self.erasures.matches(self.partition.table, batch)?;
            Ok(erased.into_iter().map(|erased| Some(!erased)).collect::<BooleanArray>())
        };
        let filter = (self.erased > 0).then_some(&keep as _);
        let sources = self.parts.iter().map(|part| Source::Part { part, filter }).collect();
        let (part, _) = lake.write_merged(self.partition, sources).await?;
        if part.rows != self.kept {
            let detail = format!("{} to restore, {} written", self.kept, part.rows);
            return Err(LakeError::Conservation { partition: self.partition, detail });
        }
        Ok(part)
    }
}

impl PartsChange for Restore<'_> {
    /// The version decides what the partition holds, also if its manifest was lost.
    const REPAIRS_FIRST: bool = false;

    async fn restart(&mut self, lake: &Lake) -> Result<(), LakeError> {
        self.erasures = lake.erasures().await?;
        self.parts = lake.open_parts(self.partition, self.names).await.map_err(absent)?;
        self.count_rows(lake).await.map_err(absent)
    }

    async fn plan(
        &mut self,
        lake: &Lake,
        manifest: &Manifest,
        replacement: &mut Option<Replacement>,
    ) -> Result<(), LakeError> {
        let part = match replacement.take() {
            Some(written) => written.part,
            None => self.write(lake).await.map_err(absent)?,
        };
        *replacement = Some(Replacement { part, replaces: manifest.parts.clone() });
        Ok(())
    }
}

/// Says what to do about a part of the version that was deleted.
fn absent(error: LakeError) -> LakeError {
    match error {
        LakeError::Store(object_store::Error::NotFound { path, .. }) => LakeError::Invalid(format!(
            "{path}, a part of this version, does not exist any more: restore the object first (in S3, delete its delete marker)"
        )),
        other => other,
    }
}
