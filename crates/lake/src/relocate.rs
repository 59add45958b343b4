//! Relocates a lake: rewrites the manifests of a copy.
//!
//! Manifests list absolute URIs, so the manifests of a copied or replicated lake still reference the old lake. The
//! bucket of a deployed stack also rejects unconditional copies of manifests. [`Lake::rewrite_manifests`] creates or
//! replaces them conditionally, after the parts were copied.

use futures::StreamExt;
use object_store::{ObjectStoreExt, PutMode, PutOptions, UpdateVersion};

use crate::error::LakeError;
use crate::lake::Lake;
use crate::manifest::{parse, render};
use crate::outcome::{PutOutcome, classify};
use crate::partition::Partition;

/// Maximum number of concurrent requests that check whether parts exist.
const LOOK_UPS: usize = 16;

/// Result of [`Lake::rewrite_manifests`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RewriteReport {
    /// Manifests written, or with `dry_run` those that would be written.
    pub rewritten: u64,
    /// Manifests that already listed this lake's parts.
    pub unchanged: u64,
    /// Number of parts listed in the written and unchanged manifests.
    pub parts: u64,
    /// Manifests that were not written, with the reason.
    pub problems: Vec<String>,
}

/// Options of [`Lake::rewrite_manifests`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RewriteOptions {
    /// Replace a manifest of this lake that lists other parts than the source manifest. Use it to update a replica.
    pub replace: bool,
    /// Check everything and write nothing.
    pub dry_run: bool,
}

/// A manifest's text and version.
struct Text {
    text: String,
    version: UpdateVersion,
}

/// Result for one manifest.
enum Rewritten {
    Written(u64),
    Unchanged(u64),
    Refused(String),
}

impl Lake {
    /// Writes the manifests of `source`, whose lines begin with `old_base_uri`, as manifests of this lake. Pass this
    /// lake as `source` if the copy already has manifests with old URIs, else the old lake. A manifest is written
    /// only if every part that it lists exists in this lake.
    ///
    /// # Errors
    /// The store failed. Problems of single manifests are listed in the report instead.
    pub async fn rewrite_manifests(
        &self,
        source: &Lake,
        old_base_uri: &str,
        options: RewriteOptions,
    ) -> Result<RewriteReport, LakeError> {
        let old_base_uri = old_base_uri.trim_end_matches('/');
        let mut report = RewriteReport::default();
        for partition in source.partitions(None).await? {
            match self.rewrite_manifest(source, old_base_uri, partition, options).await? {
                Rewritten::Written(parts) => {
                    report.rewritten += 1;
                    report.parts += parts;
                }
                Rewritten::Unchanged(parts) => {
                    report.unchanged += 1;
                    report.parts += parts;
                }
                Rewritten::Refused(reason) => report.problems.push(format!("{}: {reason}", partition.manifest_path())),
            }
        }
        Ok(report)
    }

    async fn rewrite_manifest(
        &self,
        source: &Lake,
        old_base_uri: &str,
        partition: Partition,
        options: RewriteOptions,
    ) -> Result<Rewritten, LakeError> {
        let Some(read) = source.manifest_text(partition).await? else {
            return Ok(Rewritten::Refused("it was deleted meanwhile".to_owned()));
        };
        let parts = match parse(&read.text, old_base_uri, partition) {
            Ok(parts) => parts,
            // If the lines do not match `old_base_uri`, an earlier run may have rewritten the manifest.
            Err(reason) => match parse(&read.text, &self.base_uri, partition) {
                Ok(parts) => parts,
                Err(_) => return Ok(Rewritten::Refused(reason)),
            },
        };
        if let Some(missing) = self.first_missing(partition, &parts).await? {
            return Ok(Rewritten::Refused(format!("{missing} does not exist in {}: copy data/ first", self.base_uri)));
        }
        let count = parts.len() as u64;
        let text = render(&parts, &self.base_uri, partition);
        let current = self.manifest_text(partition).await?;
        let mode = match current {
            Some(current) if current.text == text => return Ok(Rewritten::Unchanged(count)),
            Some(current) if options.replace || current.text == read.text => PutMode::Update(current.version),
            Some(_) => {
                return Ok(Rewritten::Refused(
                    "this lake has another manifest of this partition; --replace replaces it".to_owned(),
                ));
            }
            None => PutMode::Create,
        };
        if options.dry_run {
            return Ok(Rewritten::Written(count));
        }
        let put = PutOptions { mode, ..PutOptions::default() };
        match classify(self.store.put_opts(&partition.manifest_path(), text.clone().into(), put).await) {
            PutOutcome::Written => Ok(Rewritten::Written(count)),
            PutOutcome::Impossible(error) => Err(error.into()),
            // The write may have taken effect, been rejected or been lost. Read the manifest again to decide.
            PutOutcome::Unclear(error) => match self.manifest_text(partition).await? {
                Some(found) if found.text == text => Ok(Rewritten::Written(count)),
                _ => Ok(Rewritten::Refused(format!("another process changed it meanwhile ({error}); run it again"))),
            },
        }
    }

    /// Reads the text and version of a manifest; `None` if it does not exist.
    async fn manifest_text(&self, partition: Partition) -> Result<Option<Text>, LakeError> {
        let path = partition.manifest_path();
        let got = match self.store.get(&path).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            other => other?,
        };
        let version = UpdateVersion { e_tag: got.meta.e_tag.clone(), version: got.meta.version.clone() };
        let text = String::from_utf8(got.bytes().await?.to_vec())
            .map_err(|error| LakeError::Damaged { object: path.to_string(), problem: error.to_string() })?;
        Ok(Some(Text { text, version }))
    }

    /// The path of the first listed part that does not exist in this lake; `None` if all exist.
    async fn first_missing(&self, partition: Partition, parts: &[String]) -> Result<Option<String>, LakeError> {
        let look_ups = futures::stream::iter(parts.iter().map(|name| partition.part_path(name)))
            .map(|path| async move { (self.store.head(&path).await, path) })
            .buffer_unordered(LOOK_UPS);
        let mut look_ups = std::pin::pin!(look_ups);
        while let Some((found, path)) = look_ups.next().await {
            match found {
                Ok(_) => {}
                Err(object_store::Error::NotFound { .. }) => return Ok(Some(path.to_string())),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }
}
