//! What a conditional write came to.
//!
//! The failures this is for, each of which has been seen with S3 and its like:
//! 1. the PUT succeeds, the answer is lost, the client sends it again and gets 412 from its own first write;
//! 2. a PUT meets another in flight and gets 409, although the object is as it was;
//! 3. a 5xx or a timeout comes back after the write took effect;
//! 4. someone else wrote first: 412, and this is the only case that the name "conflict" fits.
//!
//! No answer but success tells these apart (rule R7). So all of them are one value, [`PutOutcome::Unclear`], and reading
//! the object again decides: if it names the part that only we could have written, we wrote it.

use object_store::{Error, PutResult};

use crate::manifest::Manifest;

/// The answer to a conditional write.
#[derive(Debug)]
pub(crate) enum PutOutcome {
    /// The store says that it is written.
    Written,
    /// Written, refused or lost: only reading again tells.
    Unclear(Error),
    /// Refused, and will be again. (An earlier try of the client's own may still have taken effect; whoever commits the same
    /// rows later finds them.)
    Impossible(Error),
}

/// Sorts the answer to a conditional write.
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
        Err(error) => PutOutcome::Unclear(error),
    }
}

/// Whether the manifest, read again, shows that our write took effect. `written_part` is a part whose name nobody else can
/// have written; without one (a write that only removes parts) nothing can be shown, and the work is done again.
pub(crate) fn is_ours(current: &Manifest, written_part: Option<&str>) -> bool {
    written_part.is_some_and(|name| current.parts.iter().any(|part| part == name))
}

#[cfg(test)]
mod tests {
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
        let denied = Error::PermissionDenied { path: String::new(), source: source() };
        assert!(matches!(classify(Err(denied)), PutOutcome::Impossible(_)));
    }

    #[test]
    fn the_witness_decides() {
        let manifest = Manifest { parts: vec!["a".to_owned(), "b".to_owned()], version: None };
        assert!(is_ours(&manifest, Some("b")));
        assert!(!is_ours(&manifest, Some("c")));
        assert!(!is_ours(&manifest, None));
    }
}
