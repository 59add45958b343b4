//! Limits on the content that one body may put into records. Longer texts are truncated at a character boundary.
//!
//! With these limits each line stays below 1,000 KiB, the maximum of a Kinesis Data Firehose record. The one exception is
//! [`unreadable_record`](crate::unreadable_record).

use std::borrow::Cow;

/// Maximum memory for the records of one body, in bytes. It suffices for about 20,000 records; Meta documents up to
/// 1,000 updates per POST.
pub(crate) const MAX_RECORDS_BYTES: usize = 16 << 20;

/// Maximum bytes of an identifier. Wamids have about 60, business-scoped user ids up to 131.
pub(crate) const MAX_ID_BYTES: usize = 512;

/// Maximum bytes of a button's label, title, description or payload. Meta allows at most 256 characters; some relays
/// send more.
pub(crate) const MAX_TEXT_BYTES: usize = 4096;

/// Maximum bytes of a URL, as commonly accepted by browsers and servers.
pub(crate) const MAX_URL_BYTES: usize = 8192;

/// Maximum bytes of a flow response.
pub(crate) const MAX_RESPONSE_JSON_BYTES: usize = 64 * 1024;

/// Maximum number of button ids of a send. WhatsApp shows at most 10 buttons or rows.
pub(crate) const MAX_BUTTONS: usize = 100;

/// Maximum bytes of an account event's payload as written in the line, including escapes. A longer payload is split
/// into several records.
pub(crate) const MAX_PAYLOAD_LINE_BYTES: usize = 900_000;

/// Bytes of payload in each record of a split payload. The payload is escaped twice, which at most quadruples its
/// length.
pub(crate) const PAYLOAD_PART_BYTES: usize = 200_000;

/// The text, truncated to at most this many bytes.
#[inline]
pub(crate) fn truncate(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes { text } else { text.get(..text.floor_char_boundary(bytes)).unwrap_or(text) }
}

/// As [`truncate`]. A borrowed text stays borrowed, and an owned text stays owned.
#[inline]
pub(crate) fn truncated(text: Cow<'_, str>, bytes: usize) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(truncate(text, bytes)),
        Cow::Owned(text) if text.len() <= bytes => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(truncate(&text, bytes).to_owned()),
    }
}
