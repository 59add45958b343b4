//! Notes in the lake about committed rows that the look-up store lacks.
//!
//! A failing look-up store must not delay commits: the rows are in the lake, so the object is complete. A note
//! records which rows the store still needs, by partitions and a range of receipt times. It names no person and no
//! message. A later batch applies the rows from the lake and deletes the note. Each note has a unique name, so a new
//! note is never deleted together with an older one.

use std::ops::RangeInclusive;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::TimestampMillisecondType;
use bluetick_lake::{Lake, LakeError, Partition, PartitionBatch};
use bluetick_lookups::LookupStore;
use chrono::NaiveDate;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use serde::{Deserialize, Serialize};

use super::{Feed, LookupsError, TABLES, all_columns};

/// The folder of the notes in the lake.
const FOLDER: &str = "lookups/due";

/// The content of a note.
#[derive(Debug, Serialize, Deserialize)]
struct Due {
    /// Names of partitions, such as `statuses/dt=2026-11-20`.
    partitions: Vec<String>,
    /// The earliest and the latest receipt time, in milliseconds since 1970, UTC.
    received_from: i64,
    received_until: i64,
}

impl Due {
    fn partitions(&self) -> impl Iterator<Item = Partition> {
        self.partitions.iter().filter_map(|text| {
            let (table, date) = text.split_once("/dt=")?;
            let date = date.parse::<NaiveDate>().ok()?;
            TABLES.into_iter().find(|known| known.name() == table).map(|table| Partition { table, date })
        })
    }

    fn received(&self) -> RangeInclusive<i64> {
        self.received_from..=self.received_until
    }
}

/// Writes a note that the look-up store lacks these committed rows.
///
/// # Errors
/// The lake's object store failed. [`LookupsError::ErasedRows`] if rows of erased persons were left out: a note
/// cannot refer to them, because they are not in the lake.
pub async fn note_due(lake: &Lake, batches: &[PartitionBatch]) -> Result<(), LookupsError> {
    let mut due = Due { partitions: Vec::new(), received_from: i64::MAX, received_until: i64::MIN };
    let erasures = lake.erasures().await?;
    for batch in batches.iter().filter(|batch| TABLES.contains(&batch.partition().table)) {
        due.partitions.push(batch.partition().to_string());
        for rows in batch.sorted_batches() {
            let rows = rows?;
            if erasures.matches(batch.partition().table, &rows)?.contains(&true) {
                return Err(LookupsError::ErasedRows);
            }
            let Some(times) = rows.column_by_name("received_at") else { continue };
            let Some(times) = times.as_primitive_opt::<TimestampMillisecondType>() else { continue };
            due.received_from = times.iter().flatten().fold(due.received_from, i64::min);
            due.received_until = times.iter().flatten().fold(due.received_until, i64::max);
        }
    }
    if due.partitions.is_empty() {
        return Ok(());
    }
    let text = serde_json::to_vec(&due).map_err(|error| LakeError::Invalid(error.to_string()))?;
    let path = Path::from(format!("{FOLDER}/{}.json", uuid::Uuid::now_v7()));
    lake.store().put(&path, PutPayload::from(text)).await?;
    Ok(())
}

/// The paths of all notes.
pub(super) async fn read(lake: &Lake) -> Result<Vec<Path>, LookupsError> {
    let folder = Path::from(FOLDER);
    Ok(lake.store().list(Some(&folder)).map_ok(|meta| meta.location).try_collect().await?)
}

/// Deletes notes.
pub(super) async fn delete(lake: &Lake, notes: &[Path]) -> Result<(), LookupsError> {
    for note in notes {
        match lake.store().delete(note).await {
            // Another process may have applied and deleted the note.
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Applies the rows recorded in notes from the lake, and deletes the notes. Returns the number of notes.
///
/// # Errors
/// The lake or the look-up store failed. Notes that were not applied yet are kept.
pub async fn apply_due(lake: &Lake, store: &dyn LookupStore) -> Result<u64, LookupsError> {
    let notes = read(lake).await?;
    for note in &notes {
        let text = match lake.store().get(note).await {
            Ok(found) => found.bytes().await?,
            Err(object_store::Error::NotFound { .. }) => continue,
            Err(error) => return Err(error.into()),
        };
        let due: Due = serde_json::from_slice(&text).map_err(|error| {
            LakeError::Invalid(format!("{note} cannot be read ({error}); delete it and run `bluetick lookups rebuild`"))
        })?;
        apply_one(lake, store, &due).await?;
        delete(lake, std::slice::from_ref(note)).await?;
    }
    Ok(notes.len() as u64)
}

async fn apply_one(lake: &Lake, store: &dyn LookupStore, due: &Due) -> Result<(), LookupsError> {
    for _ in 0..super::ATTEMPTS {
        let mut feed = Feed::begin(lake, store).await?;
        for partition in due.partitions() {
            let mut failed = None;
            let mut visit = |batch: &RecordBatch| {
                failed = feed.take(partition.table, batch, &due.received()).err().or(failed.take());
            };
            lake.scan_partition(partition, &all_columns(partition.table), &mut visit).await?;
            if let Some(error) = failed {
                return Err(error.into());
            }
            feed.apply_if_full().await?;
        }
        if feed.end().await? {
            return Ok(());
        }
    }
    Err(LookupsError::Changed)
}
