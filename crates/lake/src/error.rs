//! Errors, classified by who can act on them.

use std::io;

use crate::partition::Partition;

/// Who can act on an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The caller passed an invalid argument; the same call fails again.
    Caller,
    /// The store failed or another process interfered. Retrying later is safe.
    Retriable,
    /// The lake, its permissions or its configuration are broken; an operator must act.
    Fatal,
}

/// An error of the lake.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The lake's URL is invalid.
    #[error(transparent)]
    Url(#[from] bluetick_storage::OpenError),
    /// An argument is invalid.
    #[error("{0}")]
    Invalid(String),
    /// The object store failed.
    #[error("object store: {0}")]
    Store(#[from] object_store::Error),
    /// A part could not be read or written.
    #[error("parquet: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// Rows could not be converted.
    #[error("arrow: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
    /// An object of the lake has invalid content.
    #[error("{object} is damaged: {problem}")]
    Damaged {
        /// Path of the object inside the lake.
        object: String,
        /// Description of the problem.
        problem: String,
    },
    /// A manifest references a part that does not exist.
    #[error("the manifest of {partition} references {part}, which does not exist; run `bluetick verify`")]
    MissingPart {
        /// The partition of the manifest.
        partition: Partition,
        /// Path of the missing part in the object store.
        part: String,
    },
    /// The row counts before and after do not agree (rule R6 of `docs/lake.md`). If the counts of parts
    /// disagree, nothing was published: they are checked before publishing. If the counts of a batch disagree, its rows
    /// may already be published: they are checked afterwards.
    #[error("rows of {partition} do not add up: {detail}")]
    Conservation {
        /// The partition.
        partition: Partition,
        /// Both sides of the equation.
        detail: String,
    },
    /// Every attempt at a conditional write conflicted with another writer or had no clear outcome.
    #[error("{object} could not be written in {attempts} attempts{}", last.as_ref().map(|error| format!("; last error: {error}")).unwrap_or_default())]
    Contention {
        /// The partition, or the path of a metadata object, such as `erasures/list.json`.
        object: String,
        /// Number of attempts.
        attempts: u32,
        /// The error of the last attempt that returned one.
        #[source]
        last: Option<object_store::Error>,
    },
}

impl LakeError {
    /// Says who can act on the error.
    pub fn fault(&self) -> Fault {
        use object_store::Error as Store;
        match self {
            LakeError::Url(_) | LakeError::Invalid(_) => Fault::Caller,
            LakeError::Contention { .. } => Fault::Retriable,
            LakeError::Store(error) if is_refused_by_system(error) => Fault::Fatal,
            LakeError::Store(error) => match error {
                Store::Generic { .. }
                | Store::AlreadyExists { .. }
                | Store::Precondition { .. }
                | Store::NotModified { .. }
                | Store::NotFound { .. }
                | Store::JoinError { .. } => Fault::Retriable,
                _ => Fault::Fatal,
            },
            LakeError::Parquet(_)
            | LakeError::Arrow(_)
            | LakeError::Damaged { .. }
            | LakeError::MissingPart { .. }
            | LakeError::Conservation { .. } => Fault::Fatal,
        }
    }

    /// Whether the store reported that an object does not exist.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, LakeError::Store(object_store::Error::NotFound { .. }))
    }
}

/// Whether the operating system rejected a write for a lasting reason: no permission, a read-only file system, a full
/// disk. Such a write has not taken effect.
pub(crate) fn is_refused_by_system(error: &object_store::Error) -> bool {
    use io::ErrorKind::{NotADirectory, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if kind.is_some_and(|kind| {
            matches!(kind, NotADirectory | PermissionDenied | QuotaExceeded | ReadOnlyFilesystem | StorageFull)
        }) {
            return true;
        }
        cause = error.source();
    }
    false
}
