//! Which personal data the operator keeps.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::digest::hex;

/// Which personal data the records keep.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// With a key, phone numbers are replaced by keyed hashes, and people's names are dropped.
    pub pseudonym_key: Option<PseudonymKey>,
    /// Whether responses to flows, which may hold personal data, are kept in `clicks.response_json`.
    pub keep_response_json: bool,
}

/// The key of the phone numbers' hashes. Its value appears in no output; `Debug` hides it.
#[derive(Clone)]
pub struct PseudonymKey(Hmac<Sha256>);

impl PseudonymKey {
    /// A key of any length. `None` if `key` is empty: a hash without a key can be undone by trying all phone numbers.
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
