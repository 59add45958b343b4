//! The sweep: deletes parts that no manifest references any more, after a grace period in which queries finish (rule R3
//! of `docs/lake.md`).
//!
//! A part is deleted if no manifest references it now, an earlier sweep found it unreferenced, and the grace period has
//! passed since. A part younger than two publish deadlines is not recorded as unreferenced, because its writer may
//! still publish it. Rule R4 forbids its writer to publish it later. So a recorded part stays unreferenced, and the
//! grace period begins when new readers can no longer find the part.

use std::collections::{BTreeMap, BTreeSet};

use bluetick_storage::delete_leftovers;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::environment::uuid_time_ms;
use crate::error::LakeError;
use crate::lake::Lake;
use crate::manifest::read_manifest;
use crate::metadata::{read_record, write_record};
use crate::outcome::PutOutcome;
use crate::partition::Partition;

/// Manifests that are read at the same time.
const MANIFESTS_AT_ONCE: usize = 16;

/// What a sweep did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Parts that manifests name.
    pub referenced: u64,
    /// Parts that none names, young ones included.
    pub unreferenced: u64,
    /// Parts deleted (with `dry_run`: that would be), by path inside the lake.
    pub deleted: Vec<String>,
    /// Bytes of these.
    pub bytes_deleted: u64,
    /// Rows of erased persons that late writers had brought back, now removed.
    pub erased_rows: u64,
    /// Erasures that were confirmed over the whole lake.
    pub confirmed_erasures: u64,
}

/// The sweep's memory: since when it has known each part unreferenced, in milliseconds since 1970.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Unreferenced {
    #[serde(default)]
    first_seen_ms: BTreeMap<String, i64>,
}

fn record_path() -> Path {
    Path::from_iter(["sweep", "unreferenced.json"])
}

impl Lake {
    /// Deletes superseded and abandoned parts, and confirms erasures that are due. With `dry_run` it only reports.
    /// Sweeps may overlap: the record is written conditionally, and a part that another sweep deleted first is no
    /// error.
    ///
    /// # Errors
    /// The store's; what was not deleted is deleted by a later sweep.
    pub async fn sweep(&self, dry_run: bool) -> Result<SweepReport, LakeError> {
        let mut report = self.delete_unreferenced(dry_run).await?;
        // Last, because it may take longest: a sweep that does not get to its end has deleted what it could.
        if !dry_run {
            (report.erased_rows, report.confirmed_erasures) = self.confirm_erasures().await?;
        }
        Ok(report)
    }

    async fn delete_unreferenced(&self, dry_run: bool) -> Result<SweepReport, LakeError> {
        let mut report = SweepReport::default();
        let (known, mode) = read_record::<Unreferenced>(self, &record_path()).await?;
        // Parts are listed before the manifests are read: one that is referenced in between counts as referenced.
        let parts = self.store.list(Some(&Path::from("data")));
        // What no writer of parts can have referenced is not the sweep's, whatever it is.
        let parts = parts.try_filter(|meta| std::future::ready(part_uuid(&meta.location).is_some()));
        let parts: Vec<ObjectMeta> = parts.try_collect().await?;
        let mut referenced = BTreeSet::new();
        // Years of partitions would not fit into a function's time one after another.
        let reads = futures::stream::iter(self.partitions(None).await?).map(|partition| async move {
            let manifest = read_manifest(&*self.store, &self.base_uri, partition).await?;
            Ok::<_, LakeError>(manifest.parts.iter().map(|name| partition.part_path(name)).collect::<Vec<_>>())
        });
        let mut reads = std::pin::pin!(reads.buffer_unordered(MANIFESTS_AT_ONCE));
        while let Some(paths) = reads.try_next().await? {
            referenced.extend(paths);
        }
        report.referenced = referenced.len() as u64;
        // The clock is read after the manifests. What is unreferenced now may have been referenced until a moment ago,
        // and the sweep may have been stopped since it began.
        let now_ms = self.environment.now_ms();
        let grace_ms = i64::try_from(self.options.grace.as_millis()).unwrap_or(i64::MAX);
        let confirmation_delay_ms = self.confirmation_delay_ms();
        let mut record = Unreferenced::default();
        for part in parts {
            if referenced.contains(&part.location) {
                continue;
            }
            report.unreferenced += 1;
            let path = part.location.to_string();
            match known.first_seen_ms.get(&path) {
                Some(first_seen) if now_ms.saturating_sub(*first_seen) > grace_ms => {
                    if !dry_run {
                        self.delete_part(&part.location).await?;
                    }
                    report.bytes_deleted += part.size;
                    report.deleted.push(path);
                }
                Some(first_seen) => {
                    record.first_seen_ms.insert(path, *first_seen);
                }
                None if now_ms.saturating_sub(created_at_ms(&part)) > confirmation_delay_ms => {
                    record.first_seen_ms.insert(path, now_ms);
                }
                None => {}
            }
        }
        if let Some(directory) = self.directory.clone().filter(|_| !dry_run) {
            let before_ms = now_ms.saturating_sub(grace_ms).saturating_sub(confirmation_delay_ms);
            report.deleted.extend(delete_leftovers(directory, before_ms).await?);
        }
        if !dry_run && record.first_seen_ms != known.first_seen_ms {
            // Another sweep may have written meanwhile; then its record stands, which is as good.
            if let PutOutcome::Unclear(error) | PutOutcome::Impossible(error) =
                write_record(self, &record_path(), &record, mode).await?
            {
                tracing::warn!(%error, "the record of unreferenced parts was not written; the next sweep writes it");
            }
        }
        Ok(report)
    }

    async fn delete_part(&self, path: &Path) -> Result<(), LakeError> {
        match self.store.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// When a part was written: by its name, else by the store.
fn created_at_ms(part: &ObjectMeta) -> i64 {
    let uuid = part_uuid(&part.location);
    uuid.and_then(|uuid| uuid_time_ms(&uuid)).unwrap_or_else(|| part.last_modified.timestamp_millis())
}

/// The name of a part, `data/<table>/dt=<date>/<uuid>.parquet`; `None`: it is none.
fn part_uuid(path: &Path) -> Option<Uuid> {
    let (_, name) = Partition::parse_path("data", path.as_ref())?;
    Uuid::parse_str(name.strip_suffix(".parquet")?).ok()
}
