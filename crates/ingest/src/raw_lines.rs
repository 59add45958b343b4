//! Lines of raw objects: records as NDJSON, with a mark on lines whose time of receipt is doubtful.

use bluetick_events::Record;

/// How far an event's time may be after its receipt, in milliseconds. If the difference is larger, one of the two
/// clocks is wrong.
pub const CLOCK_TOLERANCE_MS: i64 = 5 * 60 * 1_000;

/// Records written as lines.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RawLines {
    /// The lines, each with its newline.
    pub text: Vec<u8>,
    /// Number of lines with the mark.
    pub doubtful_receipts: u64,
    /// How far the latest marked event is after the receipt, in milliseconds.
    pub furthest_ahead_ms: i64,
}

/// Writes the records as lines. A line whose event time is more than [`CLOCK_TOLERANCE_MS`] after its receipt contains
/// `"received_at_doubtful":true`: either the clock of this machine or the time in the event is wrong. `received_at` is in milliseconds since 1970, UTC.
pub fn raw_lines(records: &[Record], received_at: i64) -> RawLines {
    let mut lines = RawLines { text: Vec::with_capacity(records.len() * 512), ..RawLines::default() };
    for record in records {
        record.write_line(&mut lines.text);
        let ahead = record.event_ts().saturating_sub(received_at);
        if ahead > CLOCK_TOLERANCE_MS && lines.text.ends_with(b"}\n") {
            lines.text.truncate(lines.text.len() - 2);
            lines.text.extend_from_slice(b",\"received_at_doubtful\":true}\n");
            lines.doubtful_receipts += 1;
            lines.furthest_ahead_ms = lines.furthest_ahead_ms.max(ahead);
        }
    }
    lines
}
