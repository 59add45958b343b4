//! Reads the lake's own JSON records, such as the list of erasures, and replaces them conditionally.

use object_store::path::Path;
use object_store::{ObjectStoreExt, PutMode, PutOptions, UpdateVersion};
use serde::{Deserialize, Serialize};

use crate::error::LakeError;
use crate::lake::Lake;
use crate::outcome::{PutOutcome, classify};
use crate::retry::{Attempt, Step};

/// Reads a record. Also returns the write mode that replaces exactly this version. A missing record yields the
/// default.
pub(crate) async fn read_record<T: Default + for<'de> Deserialize<'de>>(
    lake: &Lake,
    path: &Path,
) -> Result<(T, PutMode), LakeError> {
    let got = match lake.store.get(path).await {
        Err(object_store::Error::NotFound { .. }) => return Ok((T::default(), PutMode::Create)),
        other => other?,
    };
    let version = UpdateVersion { e_tag: got.meta.e_tag.clone(), version: got.meta.version.clone() };
    let record = serde_json::from_slice(&got.bytes().await?)
        .map_err(|error| LakeError::Damaged { object: path.to_string(), problem: error.to_string() })?;
    Ok((record, PutMode::Update(version)))
}

/// Writes a record with a conditional `mode`.
pub(crate) async fn write_record<T: Serialize>(
    lake: &Lake,
    path: &Path,
    record: &T,
    mode: PutMode,
) -> Result<PutOutcome, LakeError> {
    let text = serde_json::to_string(record).map_err(|error| LakeError::Invalid(error.to_string()))?;
    let options = PutOptions { mode, ..PutOptions::default() };
    Ok(classify(lake.store.put_opts(path, text.into(), options).await))
}

/// Changes a record: reads it, applies `change` and writes it conditionally, until the record that was read contains
/// the change. `change` must be idempotent.
pub(crate) async fn change_record<T, R>(
    lake: &Lake,
    path: Path,
    change: impl Fn(&mut T) -> R + Send,
) -> Result<R, LakeError>
where
    T: Clone + Default + PartialEq + Serialize + for<'de> Deserialize<'de> + Send + Sync,
    R: Send,
{
    lake.retry(&mut Change { path, change, record: std::marker::PhantomData }).await
}

struct Change<T, C> {
    path: Path,
    change: C,
    record: std::marker::PhantomData<fn() -> T>,
}

impl<T, R, C> Attempt for Change<T, C>
where
    T: Clone + Default + PartialEq + Serialize + for<'de> Deserialize<'de> + Send + Sync,
    R: Send,
    C: Fn(&mut T) -> R + Send,
{
    type Output = R;

    fn object(&self) -> String {
        self.path.to_string()
    }

    async fn once(&mut self, lake: &Lake) -> Result<Step<R>, LakeError> {
        let (mut record, mode) = read_record::<T>(lake, &self.path).await?;
        let before = record.clone();
        let result = (self.change)(&mut record);
        if record == before {
            return Ok(Step::Done(result));
        }
        match write_record(lake, &self.path, &record, mode).await? {
            PutOutcome::Written => Ok(Step::Done(result)),
            // The next attempt reads the record again. If the write took effect, the record contains the change.
            PutOutcome::Unclear(error) => Ok(Step::Again(Some(error))),
            PutOutcome::Impossible(error) => Err(error.into()),
        }
    }
}
