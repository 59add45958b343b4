//! Fast reader for lines in the form that ingest writes: `{"table":"…",` first, then columns of that table in order,
//! without white space, escapes, fractions or nested objects.
//!
//! It parses such a line in one pass and borrows every text. All other lines are left to the reader in `line.rs`,
//! which accepts any JSON. If this reader accepts a line, both readers return the same row; a property test compares
//! them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use memchr::memchr;

use super::line::{Cell, Row, TableReader};

/// Maximum number of digits of an integer. 18 digits always fit into an `i64`.
const MAX_DIGITS: usize = 18;

/// Number of values for which a row has memory at first. Most lines of ingest have fewer.
const ROW_VALUES: usize = 20;

/// Parses a line. Returns the row reader of the line's table, and the row. `None` if the line must be parsed as general
/// JSON.
pub(super) fn read<'a, 'r>(line: &'a [u8], readers: &'r [TableReader]) -> Option<(&'r TableReader, Row<'a>)> {
    // One vectorised pass. Without control characters and backslashes every text ends at the next quotation mark, and
    // the only possible white space is blanks, which no rule below accepts.
    if line.iter().fold(false, |odd, byte| odd | (*byte < 0x20) | (*byte == b'\\')) {
        return None;
    }
    let line = std::str::from_utf8(line).ok()?;
    let (table, mut rest) = text(line.strip_prefix("{\"table\":\"")?)?;
    let reader = readers.iter().find(|reader| is_equal(reader.table.name(), table))?;
    let mut row = Row::with_capacity(ROW_VALUES);
    let mut free = reader.columns.iter().enumerate();
    while let Some(after) = rest.strip_prefix(",\"") {
        let (name, after) = text(after)?;
        // Search forward only. A column that is unknown, repeated or out of order makes the search fail.
        let (column, _) = free.find(|(_, column)| is_equal(column.name, name))?;
        let after = after.strip_prefix(':')?;
        rest = match after.strip_prefix('"') {
            Some(after) => {
                let (value, after) = text(after)?;
                row.push((column, Cell::Text(Cow::Borrowed(value))));
                after
            }
            None => {
                let (value, after) = value_without_text(after)?;
                row.push((column, value));
                after
            }
        };
    }
    (rest == "}").then_some((reader, row))
}

/// Splits off the text up to the next quotation mark.
#[inline]
fn text(rest: &str) -> Option<(&str, &str)> {
    let (text, rest) = rest.split_at_checked(memchr(b'"', rest.as_bytes())?)?;
    Some((text, rest.strip_prefix('"')?))
}

/// Whether two short texts are equal. Names of columns differ most often in their length or last letters, and a call of
/// the library's comparison would take longer.
pub(super) fn is_equal(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    match (a.last_chunk::<8>(), b.last_chunk::<8>()) {
        (Some(last_of_a), Some(last_of_b)) => {
            let (chunks_of_a, chunks_of_b) = (a.as_chunks::<8>().0, b.as_chunks::<8>().0);
            last_of_a == last_of_b && chunks_of_a.iter().zip(chunks_of_b).all(|(a, b)| a == b)
        }
        _ => a.iter().zip(b).all(|(a, b)| a == b),
    }
}

/// Parses a value that is not a text.
fn value_without_text(rest: &str) -> Option<(Cell<'_>, &str)> {
    match rest.as_bytes().first()? {
        b'0'..=b'9' => integer(rest).map(|(value, rest)| (Cell::Int(value), rest)),
        b'-' => {
            let (value, rest) = integer(rest.strip_prefix('-')?)?;
            // JSON parsers read `-0` as a fraction.
            (value > 0).then_some((Cell::Int(-value), rest))
        }
        b't' => Some((Cell::Bool(true), rest.strip_prefix("true")?)),
        b'f' => Some((Cell::Bool(false), rest.strip_prefix("false")?)),
        b'n' => Some((Cell::Null, rest.strip_prefix("null")?)),
        b'[' => list(rest.strip_prefix('[')?),
        b'{' => map(rest.strip_prefix('{')?),
        _ => None,
    }
}

/// Parses an integer. The value must end after it: a point or exponent would make it a fraction.
fn integer(rest: &str) -> Option<(i64, &str)> {
    let digits = rest.bytes().position(|byte| !byte.is_ascii_digit())?;
    let (digits, rest) = rest.split_at_checked(digits)?;
    let is_plain = digits.len() == 1 || (digits.len() <= MAX_DIGITS && !digits.starts_with('0') && !digits.is_empty());
    if !is_plain || !rest.starts_with([',', '}']) {
        return None;
    }
    Some((digits.bytes().fold(0, |value, digit| value * 10 + i64::from(digit - b'0')), rest))
}

/// Parses a list of texts.
fn list(mut rest: &str) -> Option<(Cell<'_>, &str)> {
    let mut items = Vec::new();
    if let Some(rest) = rest.strip_prefix(']') {
        return Some((Cell::List(items), rest));
    }
    loop {
        let (item, after) = text(rest.strip_prefix('"')?)?;
        items.push(Some(Cow::Borrowed(item)));
        match after.strip_prefix(',') {
            Some(after) => rest = after,
            None => return Some((Cell::List(items), after.strip_prefix(']')?)),
        }
    }
}

/// Parses an object whose values are texts. If a name occurs twice, the last value is used.
fn map(mut rest: &str) -> Option<(Cell<'_>, &str)> {
    let mut entries = BTreeMap::new();
    if let Some(rest) = rest.strip_prefix('}') {
        return Some((Cell::Map(entries), rest));
    }
    loop {
        let (key, after) = text(rest.strip_prefix('"')?)?;
        let (value, after) = text(after.strip_prefix(":\"")?)?;
        entries.insert(Cow::Borrowed(key), Some(Cow::Borrowed(value)));
        match after.strip_prefix(',') {
            Some(after) => rest = after,
            None => return Some((Cell::Map(entries), after.strip_prefix('}')?)),
        }
    }
}
