//! Limits on what one body may put into records. Longer text is cut at a character boundary.
//!
//! With these limits each line stays below the 1,000 KiB that one record of Kinesis Data Firehose may have.

/// Bytes of memory that the records of one body may take. This is room for about 20,000 records; Meta documents up to
/// 1,000 updates in one POST.
pub(crate) const MAX_RECORDS_BYTES: usize = 16 << 20;

/// Bytes of an identifier. Wamids have about 60, business-scoped user ids up to 131.
pub(crate) const MAX_ID_BYTES: usize = 512;

/// Bytes of a button's label, title, description or payload. Meta allows at most 256 characters; some relays send more.
pub(crate) const MAX_TEXT_BYTES: usize = 4096;

/// Bytes of a URL: what browsers and servers commonly accept.
pub(crate) const MAX_URL_BYTES: usize = 8192;

/// Bytes of a flow's response.
pub(crate) const MAX_RESPONSE_JSON_BYTES: usize = 64 * 1024;

/// Button ids of a send. WhatsApp shows at most 10 buttons or rows.
pub(crate) const MAX_BUTTONS: usize = 100;

/// Bytes of an account event's payload as written in the line, escapes included. A longer payload is split over several
/// records.
pub(crate) const MAX_PAYLOAD_LINE_BYTES: usize = 900_000;

/// Bytes of payload in each record of a split payload. It is escaped twice, which makes it at most four times as long.
pub(crate) const PAYLOAD_PART_BYTES: usize = 200_000;

/// The text, truncated to at most this many bytes.
pub(crate) fn truncate(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}
