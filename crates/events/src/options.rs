//! Options that decide which personal data is kept.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::digest::hex;

/// Decides which personal data the records may contain.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// If set, phone numbers are replaced by keyed hashes, and names of people are dropped.
    pub pseudonym_key: Option<PseudonymKey>,
    /// Whether flow responses, which may contain personal data, are stored in `clicks.response_json`.
    pub keep_response_json: bool,
}

/// The key for hashing phone numbers. It is never printed; `Debug` hides it.
#[derive(Clone)]
pub struct PseudonymKey(Hmac<Sha256>);

impl PseudonymKey {
    /// Creates a key of any length. `None` if `key` is empty: without a key, a hash can be reversed by trying all
    /// phone numbers.
    pub fn new(key: &[u8]) -> Option<Self> {
        if key.is_empty() {
            return None;
        }
        Hmac::new_from_slice(key).ok().map(PseudonymKey)
    }

    /// The HMAC-SHA256 of `text`, as lower-case hexadecimal.
    pub fn pseudonym(&self, text: &str) -> String {
        let mut mac = self.0.clone();
        mac.update(text.as_bytes());
        hex(&mac.finalize().into_bytes())
    }
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PseudonymKey(redacted)")
    }
}
