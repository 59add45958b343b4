//! How much of a body goes into a record. What is longer is cut at a character's boundary.
//!
//! With these, any line of a record stays under the 1,000 KiB that a record of Kinesis Data Firehose may have.

/// Bytes of memory that the records of one body may take: some 20,000 records, where Meta states up to 1000 updates a POST.
pub(crate) const MAX_RECORDS_BYTES: usize = 16 << 20;

/// Bytes of an identifier: wamids have about 60, business-scoped user ids up to 131.
pub(crate) const MAX_ID_BYTES: usize = 512;

/// Bytes of a label, title, description or payload of a button. Meta allows 256 characters at most; some relays more.
pub(crate) const MAX_TEXT_BYTES: usize = 4096;

/// Bytes of a link: what browsers and servers commonly accept.
pub(crate) const MAX_URL_BYTES: usize = 8192;

/// Bytes of a flow's answer.
pub(crate) const MAX_RESPONSE_JSON_BYTES: usize = 64 * 1024;

/// Button ids of a send. WhatsApp shows at most 10 buttons or rows.
pub(crate) const MAX_BUTTONS: usize = 100;

/// Bytes of an account event's payload as they stand in the line, escapes counted. A longer one is spread over several records.
pub(crate) const MAX_PAYLOAD_LINE_BYTES: usize = 900_000;

/// Bytes of payload in each of these records: escaped twice they become at most four times as many.
pub(crate) const PAYLOAD_PART_BYTES: usize = 200_000;

/// The text, cut to so many bytes at most.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}
