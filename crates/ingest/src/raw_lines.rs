//! Lines of raw objects: records as NDJSON, with a mark on lines whose time of receipt is doubtful.

use bluetick_events::{Line, Lines};

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

/// The end of a line with the mark.
const MARK: &[u8] = b",\"received_at_doubtful\":true}";

/// Marks lines. A line whose event time is more than [`CLOCK_TOLERANCE_MS`] after its receipt contains
/// `"received_at_doubtful":true`: either the clock of this machine or the time in the event is wrong. `received_at` is
/// in milliseconds since 1970, UTC.
pub fn raw_lines(lines: Lines, received_at: i64) -> RawLines {
    let ahead = |line: Line<'_>| line.event_ts.saturating_sub(received_at);
    let doubtful = lines.iter().map(ahead).filter(|ahead| *ahead > CLOCK_TOLERANCE_MS);
    let (doubtful_receipts, furthest_ahead_ms) =
        doubtful.fold((0, 0), |(count, furthest), ahead| (count + 1, ahead.max(furthest)));
    if doubtful_receipts == 0 {
        return RawLines { text: lines.into_text(), ..RawLines::default() };
    }
    let mut text = Vec::with_capacity(lines.text().len() + lines.len() * MARK.len());
    for line in lines.iter() {
        match line.json.strip_suffix(b"}") {
            Some(members) if ahead(line) > CLOCK_TOLERANCE_MS => {
                text.extend_from_slice(members);
                text.extend_from_slice(MARK);
            }
            _ => text.extend_from_slice(line.json),
        }
        text.push(b'\n');
    }
    RawLines { text, doubtful_receipts, furthest_ahead_ms }
}
