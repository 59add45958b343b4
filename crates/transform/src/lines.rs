//! Splits raw objects into lines. Gzip is detected by its magic bytes, not by the object's name or headers.

use std::io::{self, Write};

use bluetick_lake::MAX_LINE_BYTES;
use flate2::write::GzDecoder;
use memchr::memchr_iter;

/// The first bytes of every gzip member (RFC 1952, 2.3.1).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Receives the lines of an object.
pub trait LineSink {
    /// Receives a line without its line end. Blank lines are skipped.
    fn line(&mut self, line: &[u8]);
    /// Receives the first [`MAX_LINE_BYTES`] bytes of a longer line. The rest is skipped.
    fn overlong(&mut self, start: &[u8]);
}

/// Splits bytes into lines.
struct Splitter {
    partial: Vec<u8>,
    skipping: bool,
    limit: usize,
}

impl Splitter {
    fn push(&mut self, bytes: &[u8], sink: &mut impl LineSink) {
        let mut start = 0;
        for end in memchr_iter(b'\n', bytes) {
            self.end_line(bytes.get(start..end).unwrap_or_default(), sink);
            start = end + 1;
        }
        let rest = bytes.get(start..).unwrap_or_default();
        if !rest.is_empty() && !self.skipping {
            self.partial.extend_from_slice(rest);
            if self.partial.len() > self.limit {
                self.end_line(b"", sink);
                self.skipping = true;
            }
        }
    }

    fn end_line(&mut self, rest: &[u8], sink: &mut impl LineSink) {
        if std::mem::take(&mut self.skipping) {
            return;
        }
        if self.partial.is_empty() {
            return emit(rest, self.limit, sink);
        }
        self.partial.extend_from_slice(rest);
        emit(&self.partial, self.limit, sink);
        self.partial.clear();
    }
}

fn emit(line: &[u8], limit: usize, sink: &mut impl LineSink) {
    let line = line.trim_ascii();
    if line.len() > limit {
        sink.overlong(line.get(..limit).unwrap_or(line));
    } else if !line.is_empty() {
        sink.line(line);
    }
}

enum Decoder {
    /// Fewer than two bytes were read since the start of the object or since the end of a gzip member.
    Undecided(Vec<u8>),
    Plain,
    /// Inside a gzip member. Further members may follow.
    Gzip(Box<GzDecoder<Vec<u8>>>),
}

/// Reads an object chunk by chunk and passes its lines to a [`LineSink`].
///
/// Bytes after the last gzip member that are not a gzip member are read as plain lines. They are rejected one by one,
/// and the object's other lines are kept.
pub struct LineReader {
    decoder: Decoder,
    splitter: Splitter,
    /// Whether a gzip member has ended.
    has_ended_member: bool,
}

impl Default for LineReader {
    fn default() -> Self {
        Self::with_limit(MAX_LINE_BYTES)
    }
}

impl LineReader {
    fn with_limit(limit: usize) -> Self {
        let splitter = Splitter { partial: Vec::new(), skipping: false, limit };
        Self { decoder: Decoder::Undecided(Vec::new()), splitter, has_ended_member: false }
    }

    /// Decodes the next chunk and passes completed lines to `sink`.
    ///
    /// # Errors
    /// The object is corrupt gzip. Lines before the corruption have already been passed to `sink`.
    pub fn push(&mut self, chunk: &[u8], sink: &mut impl LineSink) -> io::Result<()> {
        let mut rest = chunk;
        while !rest.is_empty() {
            match &mut self.decoder {
                Decoder::Plain => {
                    self.splitter.push(rest, sink);
                    return Ok(());
                }
                Decoder::Gzip(decoder) => {
                    // The decoder accepts no more bytes once its gzip member has ended.
                    let taken = match decoder.write(rest) {
                        Ok(0) => decoder.try_finish().map(|()| 0),
                        taken => taken,
                    };
                    self.splitter.push(decoder.get_ref(), sink);
                    decoder.get_mut().clear();
                    let taken = taken?;
                    if taken == 0 {
                        self.decoder = Decoder::Undecided(Vec::new());
                        self.has_ended_member = true;
                    }
                    rest = rest.get(taken..).unwrap_or_default();
                }
                Decoder::Undecided(start) => {
                    start.extend_from_slice(rest);
                    return if start.len() >= GZIP_MAGIC.len() { self.decide(sink) } else { Ok(()) };
                }
            }
        }
        Ok(())
    }

    fn decide(&mut self, sink: &mut impl LineSink) -> io::Result<()> {
        let Decoder::Undecided(start) = std::mem::replace(&mut self.decoder, Decoder::Plain) else {
            return Ok(());
        };
        if start.starts_with(&GZIP_MAGIC) {
            self.decoder = Decoder::Gzip(Box::new(GzDecoder::new(Vec::new())));
        } else if self.has_ended_member && !start.is_empty() {
            self.splitter.end_line(b"", sink);
        }
        self.push(&start, sink)
    }

    /// Ends the object. A last line without a line ending counts as a line.
    ///
    /// # Errors
    /// The object is truncated gzip.
    pub fn finish(mut self, sink: &mut impl LineSink) -> io::Result<()> {
        if matches!(self.decoder, Decoder::Undecided(..)) {
            self.decide(sink)?;
        }
        if let Decoder::Gzip(mut decoder) = self.decoder {
            decoder.try_finish()?;
            self.splitter.push(decoder.get_ref(), sink);
        }
        self.splitter.end_line(b"", sink);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Default)]
    struct Collect {
        lines: Vec<Vec<u8>>,
        overlong: Vec<Vec<u8>>,
    }

    impl LineSink for Collect {
        fn line(&mut self, line: &[u8]) {
            self.lines.push(line.to_vec());
        }

        fn overlong(&mut self, start: &[u8]) {
            self.overlong.push(start.to_vec());
        }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(object: &[u8], chunk: usize, limit: usize) -> io::Result<Collect> {
        let (mut reader, mut collect) = (LineReader::with_limit(limit), Collect::default());
        for chunk in object.chunks(chunk.max(1)) {
            reader.push(chunk, &mut collect)?;
        }
        reader.finish(&mut collect)?;
        Ok(collect)
    }

    proptest! {
        #[test]
        fn lines_survive_any_cut_and_any_number_of_members(
            lines in prop::collection::vec("[a-z]{1,20}", 0..30),
            cut in 0_usize..200,
            chunk in 1_usize..50,
            compressed: bool,
        ) {
            let text = lines.iter().map(|line| format!("{line}\r\n\n")).collect::<String>().into_bytes();
            let (first, second) = text.split_at(cut.min(text.len()));
            let object = if compressed { [gzip(first), gzip(second)].concat() } else { text.clone() };
            let collected = read(&object, chunk, 1_000).unwrap();
            let found: Vec<String> =
                collected.lines.into_iter().map(|line| String::from_utf8(line).unwrap()).collect();
            prop_assert_eq!(found, lines);
        }
    }

    #[test]
    fn an_overlong_line_does_not_take_its_neighbours_along() {
        for chunk in [1, 7, 1_000] {
            let collected = read(b"first\nmuch longer than ten\nlast", chunk, 10).unwrap();
            assert_eq!(collected.lines, [b"first".to_vec(), b"last".to_vec()]);
            assert_eq!(collected.overlong, [b"much longe".to_vec()], "chunks of {chunk}");
        }
    }

    #[test]
    fn bytes_after_gzip_are_lines_of_their_own() {
        for trailing in ["x", "\0\0\0", "first\nsecond\n"] {
            for (chunk, end) in [(1, "\n"), (5, ""), (1_000, "\n"), (1_000, "")] {
                let object = [gzip(format!("one\ntwo{end}").as_bytes()), trailing.as_bytes().to_vec()].concat();
                let collected = read(&object, chunk, 100).unwrap();
                let expected: Vec<&[u8]> =
                    ["one", "two"].into_iter().chain(trailing.lines()).map(str::as_bytes).collect();
                assert_eq!(collected.lines, expected, "chunks of {chunk}");
            }
        }
    }

    #[test]
    fn gzip_cut_short_is_an_error() {
        let object = gzip(b"first\nsecond\n");
        assert!(read(&object[..object.len() - 4], 5, 100).is_err());
        assert!(read(b"", 1, 100).unwrap().lines.is_empty());
    }
}
