//! The sweep: deletes parts that nothing names any more, late enough that no reader misses them (rule R3).
//!
//! A part goes when three things hold: no manifest names it now, an earlier sweep saw it unnamed, and the grace has passed
//! since. A part that is younger than two publish deadlines is not recorded at all: its writer may still be about to name
//! it. Older than that, rule R4 forbids; so what is unnamed then stays unnamed, and the grace counts from a moment at
//! which nobody new could find the part.

use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt, PutOptions};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::environment::uuid_time_ms;
use crate::erasures::read_record;
use crate::error::LakeError;
use crate::lake::Lake;
use crate::local::delete_leftovers;
use crate::manifest::read_manifest;
use crate::partition::Partition;

/// What a sweep did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Parts that manifests name.
    pub named: u64,
    /// Parts that none names, young ones included.
    pub unnamed: u64,
    /// Parts deleted (with `dry_run`: that would be), by path inside the lake.
    pub deleted: Vec<String>,
    /// Bytes of these.
    pub bytes_deleted: u64,
    /// Rows of erased persons that late writers had brought back, now removed.
    pub erased_rows: u64,
    /// Erasures that were confirmed over the whole lake.
    pub settled_erasures: u64,
}

/// The sweep's memory: since when it has known each part unnamed, in milliseconds since 1970.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Unnamed {
    #[serde(default)]
    first_seen_ms: BTreeMap<String, i64>,
}

fn record_path() -> Path {
    Path::from_iter(["sweep", "unnamed.json"])
}

impl Lake {
    /// Deletes superseded and abandoned parts, and settles erasures that are due. `now_ms`: milliseconds since 1970.
    /// Sweeps may overlap: the record is written conditionally, and a deletion that another one did first is no error.
    ///
    /// # Errors
    /// The store's; what was not deleted is deleted by a later sweep.
    pub async fn sweep(&self, now_ms: i64, dry_run: bool) -> Result<SweepReport, LakeError> {
        let mut report = self.delete_unnamed(now_ms, dry_run).await?;
        // Last, because it may take longest: a sweep that does not get to its end has deleted what it could.
        if !dry_run {
            (report.erased_rows, report.settled_erasures) = self.settle_erasures(now_ms).await?;
        }
        Ok(report)
    }

    async fn delete_unnamed(&self, now_ms: i64, dry_run: bool) -> Result<SweepReport, LakeError> {
        let mut report = SweepReport::default();
        let (known, mode) = read_record::<Unnamed>(&*self.store, &record_path()).await?;
        // Parts are listed before the manifests are read: one that is named in between counts as named.
        let parts = self.store.list(Some(&Path::from("data")));
        // What no writer of parts can have named is not the sweep's, whatever it is.
        let parts = parts.try_filter(|meta| std::future::ready(part_uuid(&meta.location).is_some()));
        let parts: Vec<ObjectMeta> = parts.try_collect().await?;
        let mut named = BTreeSet::new();
        for partition in self.partitions(None).await? {
            let manifest = read_manifest(&*self.store, &self.base_uri, partition).await?;
            named.extend(manifest.parts.iter().map(|name| partition.part_path(name)));
        }
        report.named = named.len() as u64;
        // The grace counts from here, not from the sweep's start: a sweep may be stopped in between for longer than the
        // grace, and what it finds unnamed now may have been named until a moment ago.
        let seen_ms = now_ms.max(self.environment.now_ms());
        let grace_ms = i64::try_from(self.options.grace.as_millis()).unwrap_or(i64::MAX);
        let settling_ms = self.settling_ms();
        let mut record = Unnamed::default();
        for part in parts {
            if named.contains(&part.location) {
                continue;
            }
            report.unnamed += 1;
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
                None if now_ms.saturating_sub(born_ms(&part)) > settling_ms => {
                    record.first_seen_ms.insert(path, seen_ms);
                }
                None => {}
            }
        }
        if let Some(directory) = self.directory.clone().filter(|_| !dry_run) {
            let before_ms = now_ms.saturating_sub(grace_ms).saturating_sub(settling_ms);
            report.deleted.extend(delete_leftovers(directory, before_ms).await?);
        }
        if !dry_run && record.first_seen_ms != known.first_seen_ms {
            let text = serde_json::to_string(&record).map_err(|error| LakeError::Invalid(error.to_string()))?;
            let options = PutOptions { mode, ..PutOptions::default() };
            // Another sweep may have written meanwhile; then its record stands, which is as true as ours.
            if let Err(error) = self.store.put_opts(&record_path(), text.into(), options).await {
                tracing::warn!(%error, "the record of unnamed parts was not written");
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
fn born_ms(part: &ObjectMeta) -> i64 {
    let uuid = part_uuid(&part.location);
    uuid.and_then(|uuid| uuid_time_ms(&uuid)).unwrap_or_else(|| part.last_modified.timestamp_millis())
}

/// The name of a part, `data/<table>/dt=<date>/<uuid>.parquet`; `None`: it is none.
fn part_uuid(path: &Path) -> Option<Uuid> {
    let (_, name) = Partition::parse_path("data", path.as_ref())?;
    Uuid::parse_str(name.strip_suffix(".parquet")?).ok()
}
