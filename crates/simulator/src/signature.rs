//! Signs webhooks as their senders do, with secrets that are known to everybody: they protect nothing but tests.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::options::SimulatedProvider;

/// Secret with which bodies of Meta are signed (`META_APP_SECRETS`).
pub const TEST_META_APP_SECRET: &str = "test-meta-app-secret";
/// Token of Meta's handshake (`META_VERIFY_TOKENS`).
pub const TEST_META_VERIFY_TOKEN: &str = "test-verify-token";
/// Secret with which bodies of Woosh are signed (`WOOSH_SECRETS`).
pub const TEST_WOOSH_SECRET: &str = "test-woosh-secret";
/// Secret with which bodies of Interakt are signed (`INTERAKT_SECRETS`).
pub const TEST_INTERAKT_SECRET: &str = "test-interakt-secret";
/// Secret that WASender sends along (`WASENDER_SECRETS`).
pub const TEST_WASENDER_SECRET: &str = "test-wasender-secret";
/// Token of the application (`TRACKER_TOKENS`).
pub const TEST_TRACKER_TOKEN: &str = "test-tracker-token";

/// The header by which a provider shows who it is.
pub(crate) fn header(provider: SimulatedProvider, body: &[u8]) -> (&'static str, String) {
    match provider {
        SimulatedProvider::Meta => ("X-Hub-Signature-256", hmac(TEST_META_APP_SECRET, body)),
        SimulatedProvider::Woosh => ("X-Woosh-Signature", hmac(TEST_WOOSH_SECRET, body)),
        SimulatedProvider::Interakt => ("Interakt-Signature", hmac(TEST_INTERAKT_SECRET, body)),
        SimulatedProvider::Wasender => ("X-Webhook-Signature", TEST_WASENDER_SECRET.to_owned()),
        SimulatedProvider::Tracker => ("X-Webhook-Token", TEST_TRACKER_TOKEN.to_owned()),
    }
}

fn hmac(secret: &str, body: &[u8]) -> String {
    // Keys of HMAC may have any length: there is no error to meet.
    let mut text = "sha256=".to_owned();
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) {
        mac.update(body);
        for byte in mac.finalize().into_bytes() {
            text.push_str(&format!("{byte:02x}"));
        }
    }
    text
}
