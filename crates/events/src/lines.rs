//! The records of a body as lines of NDJSON.

use crate::record::{Columns, Record};

/// The records of a body as lines of NDJSON, in the order of the body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    text: Vec<u8>,
    ends: Vec<End>,
}

/// The end of a line in the text, and the event time of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    at: usize,
    event_ts: i64,
}

/// A record as a line of NDJSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'l> {
    /// Event time of the record in milliseconds since 1970, UTC.
    pub event_ts: i64,
    /// The record as a JSON object, without the newline.
    pub json: &'l [u8],
}

impl Lines {
    /// No lines yet, with memory for this many bytes of text.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Lines { text: Vec::with_capacity(bytes), ends: Vec::new() }
    }

    /// Appends the line of a record if its memory is at most `limit` bytes. Returns this memory; `None` if it is more.
    pub(crate) fn push<'r>(&mut self, columns: &mut impl Columns<'r>, limit: usize) -> Option<usize> {
        let start = self.text.len();
        let bytes = columns.write_line(&mut self.text);
        if bytes > limit {
            self.text.truncate(start);
            return None;
        }
        self.ends.push(End { at: self.text.len(), event_ts: columns.common().event_ts });
        Some(bytes)
    }

    /// The number of lines.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no lines.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The lines.
    pub fn iter(&self) -> impl Iterator<Item = Line<'_>> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let line = self.text.get(start..end.at).unwrap_or_default();
            start = end.at;
            Line { event_ts: end.event_ts, json: line.strip_suffix(b"\n").unwrap_or(line) }
        })
    }

    /// All lines, each with its newline.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// All lines, each with its newline.
    pub fn into_text(self) -> Vec<u8> {
        self.text
    }
}

impl<'r> FromIterator<&'r Record> for Lines {
    fn from_iter<I: IntoIterator<Item = &'r Record>>(records: I) -> Self {
        let mut lines = Lines::default();
        for record in records {
            record.write_line(&mut lines.text);
            lines.ends.push(End { at: lines.text.len(), event_ts: record.event_ts() });
        }
        lines
    }
}
