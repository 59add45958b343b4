//! Resolves conditional PUTs with an ambiguous outcome.
//!
//! These failures occur with S3 and compatible stores:
//! 1. The PUT succeeds, but the response is lost. The client retries and gets 412 because of its own first write.
//! 2. A PUT conflicts with a concurrent request and gets 409, although the object has not changed.
//! 3. A 5xx response or a time-out arrives after the write took effect.
//! 4. Another writer was first: 412. This is the only real conflict.
//!
//! No response except success distinguishes these cases (rule R7). They all become [`PutOutcome::Unclear`], and the
//! object is read again: if it references the part whose name only this writer knows, the write took effect.

use object_store::{Error, PutResult};

use crate::error::is_refused_by_system;
use crate::manifest::Manifest;

/// The outcome of a conditional write.
#[derive(Debug)]
pub(crate) enum PutOutcome {
    /// The store answered that the write succeeded.
    Written,
    /// The write may have taken effect, been rejected or been lost. The object must be read again.
    Unclear(Error),
    /// The store rejected the write and would reject every retry. An earlier try by the client may still have taken
    /// effect; a later commit of the same rows then counts them as duplicates.
    Impossible(Error),
}

/// Classifies the response to a conditional write.
pub(crate) fn classify(result: Result<PutResult, Error>) -> PutOutcome {
    match result {
        Ok(_) => PutOutcome::Written,
        Err(
            error @ (Error::NotImplemented { .. }
            | Error::NotSupported { .. }
            | Error::InvalidPath { .. }
            | Error::PermissionDenied { .. }
            | Error::Unauthenticated { .. }
            | Error::UnknownConfigurationKey { .. }),
        ) => PutOutcome::Impossible(error),
        Err(error) if is_refused_by_system(&error) => PutOutcome::Impossible(error),
        Err(error) => PutOutcome::Unclear(error),
    }
}

/// Whether our write took effect: the manifest, read again, references the part that only this writer has written.
pub(crate) fn is_ours(current: &Manifest, written_part: &str) -> bool {
    current.parts.iter().any(|part| part == written_part)
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    #[test]
    fn only_success_is_clear() {
        let source = || "test".to_owned().into();
        let written = PutResult { e_tag: None, version: None, extensions: Default::default() };
        assert!(matches!(classify(Ok(written)), PutOutcome::Written));
        for error in [
            Error::AlreadyExists { path: String::new(), source: source() },
            Error::Precondition { path: String::new(), source: source() },
            Error::NotModified { path: String::new(), source: source() },
            Error::NotFound { path: String::new(), source: source() },
            Error::Generic { store: "S3", source: source() },
        ] {
            assert!(matches!(classify(Err(error)), PutOutcome::Unclear(_)));
        }
        for kind in [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem, ErrorKind::StorageFull] {
            let error = Error::Generic { store: "directory", source: std::io::Error::from(kind).into() };
            assert!(matches!(classify(Err(error)), PutOutcome::Impossible(_)), "{kind}");
        }
        let denied = Error::PermissionDenied { path: String::new(), source: source() };
        assert!(matches!(classify(Err(denied)), PutOutcome::Impossible(_)));
    }

    #[test]
    fn the_written_part_decides() {
        let manifest = Manifest { parts: vec!["a".to_owned(), "b".to_owned()], ..Manifest::default() };
        assert!(is_ours(&manifest, "b"));
        assert!(!is_ours(&manifest, "c"));
    }
}
