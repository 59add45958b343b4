//! Digests of a row and of a part's whole file.
//!
//! The footer of a part holds the SHA-256 of the file, computed with zeros in the place of the digest itself. Any
//! flipped bit is therefore detected, also one in the footer or the digest. A small part is read whole with the first
//! request, so every reader of the lake checks its digest; the digest of a larger part is checked by `verify`.

use sha2::{Digest, Sha256};

/// The first 128 bits of a SHA-256: enough to distinguish the rows of a partition, and small enough to keep millions
/// in memory.
pub(crate) type RowDigest = [u8; 16];

/// The digest of a row's encoded bytes.
pub(crate) fn row_digest(encoded: &[u8]) -> RowDigest {
    let mut digest = RowDigest::default();
    digest.iter_mut().zip(Sha256::digest(encoded)).for_each(|(to, from)| *to = from);
    digest
}

/// Key of the digest in the footer's metadata.
pub(crate) const DIGEST_KEY: &str = "bluetick.sha256";

/// The `created_by` value in the footer. A part with this value must hold a digest; parts of older versions have
/// another value.
pub(crate) const CREATED_BY: &str = concat!("bluetick ", env!("CARGO_PKG_VERSION"), " with digest");

/// Placeholder for the digest while it is computed.
pub(crate) const NO_DIGEST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Computes the digest of a file incrementally.
#[derive(Clone, Default)]
pub(crate) struct FileDigest(Sha256);

impl FileDigest {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> String {
        hex::encode(self.0.finalize())
    }
}

/// Finds the position of the digest in the last bytes of a file, which hold the footer. Thrift puts two bytes between
/// a key and its value: the field header and the length (64).
pub(crate) fn position(tail: &[u8]) -> Option<usize> {
    let key = tail.windows(DIGEST_KEY.len()).rposition(|window| window == DIGEST_KEY.as_bytes())?;
    let start = key + DIGEST_KEY.len() + 2;
    tail.get(start..start + NO_DIGEST.len()).map(|_| start)
}

/// Returns a piece of a file that begins at `offset`, with the digest at `place` replaced by zeros.
pub(crate) fn without_digest(piece: &[u8], offset: u64, place: u64) -> Vec<u8> {
    let is_digest = |position: u64| (place..place + NO_DIGEST.len() as u64).contains(&position);
    let bytes = piece.iter().zip(offset..);
    bytes.map(|(byte, position)| if is_digest(position) { b'0' } else { *byte }).collect()
}

/// Whether the file matches the digest in its footer. `None` if the footer holds no digest.
pub(crate) fn is_intact(file: &[u8]) -> Option<bool> {
    let place = position(file)?;
    let mut digest = FileDigest::default();
    digest.update(&without_digest(file, 0, place as u64));
    Some(Some(digest.finish().as_bytes()) == file.get(place..place + NO_DIGEST.len()))
}
