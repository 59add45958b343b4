//! Errors, sorted by whose fault they are.

use crate::partition::Partition;

/// Whose fault an error is, and so what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The caller asked for something impossible; asking again changes nothing.
    Caller,
    /// The store or a neighbour was in the way; the same call may work later, and repeating it is safe.
    Retriable,
    /// The lake or its configuration is broken; somebody has to look.
    Fatal,
}

/// What can go wrong with the lake.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The lake's address cannot be used.
    #[error("cannot use {url:?} as a lake: {problem}")]
    Url {
        /// The address as given.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// What the caller passed cannot be used.
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
    /// A manifest or another object of the lake does not say what it must.
    #[error("{object} is damaged: {problem}")]
    Damaged {
        /// Path of the object inside the lake.
        object: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A manifest names a part that is gone, and the manifest has not changed since.
    #[error("manifest of {partition} names {part}, which does not exist")]
    MissingPart {
        /// The partition.
        partition: Partition,
        /// File name of the part.
        part: String,
    },
    /// Rule R6: rows in and rows out do not agree. Where the counts of the files disagree nothing was published; the
    /// sum over the batch is taken afterwards.
    #[error("rows of {partition} do not add up: {detail}")]
    Conservation {
        /// The partition.
        partition: Partition,
        /// Both sides of the sum.
        detail: String,
    },
    /// Others changed one of the lake's own records every time, or the store gave no clear answer.
    #[error("{object} could not be changed in {attempts} attempts")]
    Busy {
        /// Path of the object inside the lake.
        object: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// Other writers won every time, or the store gave no clear answer.
    #[error("{partition} could not be committed in {attempts} attempts")]
    Contention {
        /// The partition.
        partition: Partition,
        /// How often it was tried.
        attempts: u32,
    },
}

impl LakeError {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        use object_store::Error as Store;
        match self {
            LakeError::Url { .. } | LakeError::Invalid(_) => Fault::Caller,
            LakeError::Contention { .. } | LakeError::Busy { .. } => Fault::Retriable,
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

    /// Whether the store said that an object does not exist.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, LakeError::Store(object_store::Error::NotFound { .. }))
    }
}
