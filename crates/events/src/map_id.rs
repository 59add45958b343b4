//! The id of a send in the tracking API.

use crate::digest::hash;

/// The id of a send, formatted as a version 8 UUID (RFC 9562 leaves the content of this version to the application).
/// It is a hash of the message id, so the same send always gets the same id, although no list of sends is stored.
pub fn map_id(message_id: &str) -> String {
    let digest = hash(&["bluetick send", message_id]);
    let field = |range: std::ops::Range<usize>| digest.get(range).unwrap_or_default();
    format!("{}-{}-8{}-8{}-{}", field(0..8), field(8..12), field(12..15), field(15..18), field(18..30))
}
