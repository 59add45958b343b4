//! Who posts, and what the operator wants kept.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Who posts to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Provider {
    /// Meta's Cloud API.
    Meta,
    /// Woosh Bridge, a relay of Meta's bodies with statuses of its own shape.
    Woosh,
    /// Interakt.
    Interakt,
    /// WASenderApi.
    Wasender,
    /// The customer's own application.
    Tracker,
}

impl Provider {
    /// Every provider.
    pub const ALL: [Provider; 5] =
        [Provider::Meta, Provider::Woosh, Provider::Interakt, Provider::Wasender, Provider::Tracker];

    /// Its name in records, routes and settings.
    pub const fn name(self) -> &'static str {
        match self {
            Provider::Meta => "meta",
            Provider::Woosh => "woosh",
            Provider::Interakt => "interakt",
            Provider::Wasender => "wasender",
            Provider::Tracker => "tracker",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no provider's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no provider is named {0:?}; one of meta, woosh, interakt, wasender, tracker is expected")]
pub struct UnknownProvider(pub String);

impl FromStr for Provider {
    type Err = UnknownProvider;

    fn from_str(name: &str) -> Result<Self, UnknownProvider> {
        Provider::ALL
            .into_iter()
            .find(|provider| provider.name() == name)
            .ok_or_else(|| UnknownProvider(name.to_owned()))
    }
}

/// What the operator wants kept of the events.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// With a key, phone numbers become keyed hashes, and names are dropped.
    pub pseudonym_key: Option<PseudonymKey>,
    /// Whether the answers of flows, which may hold personal data, are kept in `clicks.response_json`.
    pub keep_response_json: bool,
}

/// The key under which phone numbers are hashed. Its value appears in no output, `Debug` included.
#[derive(Clone)]
pub struct PseudonymKey(Hmac<Sha256>);

impl PseudonymKey {
    /// A key of these bytes, of any length; none if there are no bytes, because a hash without a key can be undone.
    pub fn new(key: &[u8]) -> Option<Self> {
        if key.is_empty() {
            return None;
        }
        Hmac::new_from_slice(key).ok().map(PseudonymKey)
    }

    /// HMAC-SHA256 of a text in lower-case hexadecimal.
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

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(if value < 10 { b'0' + value } else { b'a' + value - 10 });
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

/// SHA-256 in lower-case hexadecimal of these parts. Each is preceded by its length, so that `["ab", "c"]` and `["a", "bc"]`
/// differ.
pub(crate) fn hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hex(&hasher.finalize())
}
