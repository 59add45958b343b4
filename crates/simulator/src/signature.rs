//! Signs webhooks as their providers do, with public test secrets.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::options::SimulatedProvider;

/// Secret that signs Meta's bodies (`META_APP_SECRETS`).
pub const TEST_META_APP_SECRET: &str = "test-meta-app-secret";
/// Token of Meta's webhook verification request (`META_VERIFY_TOKENS`).
pub const TEST_META_VERIFY_TOKEN: &str = "test-verify-token";
/// Secret that signs Woosh's bodies (`WOOSH_SECRETS`).
pub const TEST_WOOSH_SECRET: &str = "test-woosh-secret";
/// Secret that signs Interakt's bodies (`INTERAKT_SECRETS`).
pub const TEST_INTERAKT_SECRET: &str = "test-interakt-secret";
/// Secret that WASender sends in a header (`WASENDER_SECRETS`).
pub const TEST_WASENDER_SECRET: &str = "test-wasender-secret";
/// Bearer token of the application (`TRACKER_TOKENS`).
pub const TEST_TRACKER_TOKEN: &str = "test-tracker-token";

/// Name and value of the header that authenticates a provider's request.
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
    // HMAC accepts keys of any length, so this cannot fail.
    let mut text = "sha256=".to_owned();
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) {
        mac.update(body);
        for byte in mac.finalize().into_bytes() {
            text.push_str(&format!("{byte:02x}"));
        }
    }
    text
}
