//! Moves a lake: writes the manifests of a copy anew.
//!
//! Manifests list absolute URIs, so those of a copied or replicated lake still point into the old one; and the bucket
//! of a deployed stack refuses unconditional copies of manifests. [`Lake::rewrite_manifests`] creates or replaces them
//! conditionally, once the parts are there.

use futures::StreamExt;
use object_store::{ObjectStoreExt, PutMode, PutOptions, UpdateVersion};

use crate::error::LakeError;
use crate::lake::Lake;
use crate::manifest::{parse, render};
use crate::outcome::{PutOutcome, classify};
use crate::partition::Partition;

/// Requests in flight while parts are looked up.
const LOOK_UPS: usize = 16;

/// What [`Lake::rewrite_manifests`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RewriteReport {
    /// Manifests written (with `dry_run`: that would be).
    pub rewritten: u64,
    /// Manifests that listed this lake's parts already.
    pub unchanged: u64,
    /// Parts listed in all these manifests.
    pub parts: u64,
    /// Manifests that were not written, each with the reason.
    pub problems: Vec<String>,
}

/// How [`Lake::rewrite_manifests`] treats manifests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RewriteOptions {
    /// Replace a manifest of this lake that lists other parts than the one that is read. For a replica that is brought
    /// up to date.
    pub replace: bool,
    /// Check everything and write nothing.
    pub dry_run: bool,
}

/// A manifest's text and version.
struct Text {
    text: String,
    version: UpdateVersion,
}

/// What became of one manifest.
enum Rewritten {
    Written(u64),
    Unchanged(u64),
    Refused(String),
}

impl Lake {
    /// Writes the manifests of `source`, whose lines begin with `old_base_uri`, as manifests of this lake. `source` is
    /// this lake for a copy that already has (wrong) manifests, else the old lake. A manifest is written only if every
    /// part that it lists exists here.
    ///
    /// # Errors
    /// The store's. What is wrong with single manifests is in the report instead.
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
            // An earlier run wrote it.
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
            // Written, refused or lost: the manifest itself tells.
            PutOutcome::Unclear(error) => match self.manifest_text(partition).await? {
                Some(found) if found.text == text => Ok(Rewritten::Written(count)),
                _ => Ok(Rewritten::Refused(format!("another process changed it meanwhile ({error}); run it again"))),
            },
        }
    }

    /// The text of a manifest; `None` if there is none.
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

    /// The path of a part that does not exist in this lake.
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
