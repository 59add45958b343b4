//! Parses a line of NDJSON in one pass. Names and values without escapes are borrowed from the text.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use sha2::{Digest, Sha256};

use super::{Reason, YEAR_10000_MS};
use crate::keys::EVENT_TIME;
use crate::tables::{Column, ColumnType, STATEMENT_HASH, Table};

/// The column with the time of receipt.
const RECEIVED_AT: &str = "received_at";

/// Capacity that the hash buffer keeps after a long line.
const HASHED_BYTES: usize = 64 << 10;

/// A member that ingest adds to a line whose event time is later than its receipt by more than ingest's clock
/// tolerance. It is no column, because the two timestamps already show the difference.
const DOUBTFUL_MARK: &str = "received_at_doubtful";

/// A JSON value, in the types that columns have.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Text(Cow<'a, str>),
    /// A list of texts and nulls.
    List(Vec<Option<Cow<'a, str>>>),
    /// An object whose values are texts and nulls.
    Map(BTreeMap<Cow<'a, str>, Option<Cow<'a, str>>>),
    /// Any other JSON value.
    Other,
}

/// The values of a line with the index of their column, in the order of the table's columns; only the statement hash is
/// last. A column that is not in the row is null. A row may also contain nulls.
pub(super) type Row<'a> = Vec<(usize, Cell<'a>)>;

impl<'a> Cell<'a> {
    /// The text, or `Some(None)` for null; `None` if the value is of another type.
    fn into_text(self) -> Option<Option<Cow<'a, str>>> {
        match self {
            Cell::Null => Some(None),
            Cell::Text(text) => Some(Some(text)),
            _ => None,
        }
    }

    /// Appends an encoding of the value to the text to hash. Different values have different encodings.
    fn append_to(&self, hashed: &mut Vec<u8>) {
        match self {
            Cell::Null | Cell::Other => hashed.push(b'-'),
            Cell::Bool(value) => hashed.extend([b'b', u8::from(*value)]),
            Cell::Int(value) => {
                hashed.push(b'i');
                hashed.extend(value.to_be_bytes());
            }
            Cell::Text(text) => append_text(hashed, text),
            Cell::List(items) => {
                hashed.push(b'l');
                hashed.extend((items.len() as u64).to_be_bytes());
                items.iter().for_each(|item| append_optional_text(hashed, item.as_deref()));
            }
            Cell::Map(entries) => {
                hashed.push(b'm');
                hashed.extend((entries.len() as u64).to_be_bytes());
                for (key, value) in entries {
                    append_text(hashed, key);
                    append_optional_text(hashed, value.as_deref());
                }
            }
        }
    }
}

fn append_optional_text(hashed: &mut Vec<u8>, text: Option<&str>) {
    match text {
        None => hashed.push(b'-'),
        Some(text) => append_text(hashed, text),
    }
}

fn append_text(hashed: &mut Vec<u8>, text: &str) {
    hashed.push(b't');
    hashed.extend((text.len() as u64).to_be_bytes());
    hashed.extend(text.as_bytes());
}

/// The names and values of a line, in the line's order.
#[derive(Debug)]
pub(super) struct Line<'a>(Vec<(Cow<'a, str>, Cell<'a>)>);

impl Line<'_> {
    /// The table that the line names; `None` if it names none or an unknown one.
    pub(super) fn table(&self) -> Option<Table> {
        let (_, cell) = self.0.iter().rev().find(|(name, _)| name == "table")?;
        match cell {
            Cell::Text(name) => name.parse().ok(),
            _ => None,
        }
    }
}

struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

impl<'de> Deserialize<'de> for Cell<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CellVisitor;
        impl<'de> Visitor<'de> for CellVisitor {
            type Value = Cell<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Cell::Null)
            }
            fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Cell::Bool(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
                Ok(Cell::Int(value))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
                Ok(i64::try_from(value).map_or(Cell::Other, Cell::Int))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Cell::Other)
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cell::Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cell::Text(Cow::Owned(text.to_owned())))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut list = Some(Vec::new());
                while let Some(item) = items.next_element::<Cell<'de>>()? {
                    list = list.and_then(|mut list: Vec<_>| {
                        list.push(item.into_text()?);
                        Some(list)
                    });
                }
                Ok(list.map_or(Cell::Other, Cell::List))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
                let mut map = Some(BTreeMap::new());
                while let Some((Text(key), value)) = entries.next_entry::<Text<'de>, Cell<'de>>()? {
                    map = map.and_then(|mut map| {
                        map.insert(key, value.into_text()?);
                        Some(map)
                    });
                }
                Ok(map.map_or(Cell::Other, Cell::Map))
            }
        }
        deserializer.deserialize_any(CellVisitor)
    }
}

impl<'de> Deserialize<'de> for Line<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LineVisitor;
        impl<'de> Visitor<'de> for LineVisitor {
            type Value = Line<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
                let mut cells = Vec::with_capacity(24);
                while let Some((Text(name), cell)) = entries.next_entry::<Text<'de>, Cell<'de>>()? {
                    cells.push((name, cell));
                }
                Ok(Line(cells))
            }
        }
        deserializer.deserialize_map(LineVisitor)
    }
}

/// A column of the table to read.
pub(super) struct ReaderColumn {
    pub(super) name: &'static str,
    kind: ColumnType,
    required: bool,
    /// The column's name as it is hashed; `None` if the statement hash leaves the column out.
    hashed_name: Option<Vec<u8>>,
}

impl ReaderColumn {
    /// The event time and the time of receipt are not hashed: the event time is part of the key or equals the time of
    /// receipt, and the time of receipt differs between two reports of the same statement.
    fn new(column: &Column) -> Self {
        let is_hashed = ![EVENT_TIME, RECEIVED_AT, STATEMENT_HASH].contains(&column.name);
        let hashed_name = is_hashed.then(|| {
            let mut hashed = Vec::new();
            append_text(&mut hashed, column.name);
            hashed
        });
        Self { name: column.name, kind: column.kind, required: column.required, hashed_name }
    }
}

/// Parses lines of one table.
pub(super) struct TableReader {
    pub(super) table: Table,
    pub(super) columns: Vec<ReaderColumn>,
    /// Number of required columns.
    required: usize,
    event_ts: usize,
    received_at: usize,
    statement_hash: usize,
}

impl TableReader {
    pub(super) fn new(table: Table) -> Self {
        let columns: Vec<_> = table.columns().iter().map(ReaderColumn::new).collect();
        let index = |name: &str| columns.iter().position(|column| column.name == name).unwrap_or(usize::MAX);
        let (event_ts, received_at) = (index(EVENT_TIME), index(RECEIVED_AT));
        let required = columns.iter().filter(|column| column.required).count();
        Self { table, required, event_ts, received_at, statement_hash: index(STATEMENT_HASH), columns }
    }

    /// Sets the column `statement_hash`: the first 64 bits of the SHA-256 of the row's values and column names. Null
    /// columns are left out, so adding a column later does not change existing hashes. `hashed` is a buffer that is
    /// reused for each row.
    pub(super) fn set_statement_hash(&self, row: &mut Row<'_>, hashed: &mut Vec<u8>) {
        if self.statement_hash >= self.columns.len() {
            return;
        }
        hashed.clear();
        hashed.shrink_to(HASHED_BYTES);
        for (column, cell) in row.iter() {
            let name = self.columns.get(*column).and_then(|column| column.hashed_name.as_ref());
            if let (Some(name), false) = (name, *cell == Cell::Null) {
                hashed.extend(name);
                cell.append_to(hashed);
            }
        }
        let mut first = [0; 8];
        first.iter_mut().zip(Sha256::digest(hashed)).for_each(|(to, byte)| *to = byte);
        let hash = Cell::Int(i64::from_be_bytes(first));
        match row.iter_mut().find(|(column, _)| *column == self.statement_hash) {
            Some((_, cell)) => *cell = hash,
            None => row.push((self.statement_hash, hash)),
        }
    }

    /// Assigns the values of a line to columns. Also returns the number of names that are no column. If a name occurs
    /// more than once, the last value is used, as in most JSON parsers.
    pub(super) fn arrange<'a>(&self, line: Line<'a>) -> (Row<'a>, u64) {
        let mut row = vec![Cell::Null; self.columns.len()];
        let mut unknown = 0;
        let mut expected = 0;
        for (name, cell) in line.0 {
            let Some(index) = self.find(&name, expected) else {
                unknown += u64::from(!["table", DOUBTFUL_MARK].contains(&name.as_ref()));
                continue;
            };
            expected = index + 1;
            if let Some(slot) = row.get_mut(index) {
                *slot = cell;
            }
        }
        (row.into_iter().enumerate().filter(|(_, cell)| *cell != Cell::Null).collect(), unknown)
    }

    /// Checks that required columns have a value, and that each value has its column's type. Of several faults, that of
    /// the first column is returned.
    pub(super) fn check(&self, row: &mut Row<'_>) -> Result<(), Reason> {
        let mut required = 0;
        for (index, cell) in row.iter_mut() {
            let Some(column) = self.columns.get(*index) else { continue };
            match cell {
                Cell::Null => continue,
                // A time outside the calendar would break readers' time arithmetic. An optional one becomes null
                // instead of rejecting the row.
                Cell::Int(time) if column.kind == ColumnType::Timestamp && !column.required && !is_time(*time) => {
                    *cell = Cell::Null;
                }
                cell if fits(cell, column.kind) => {}
                _ => {
                    let before = self.columns.iter().take(*index).filter(|column| column.required).count();
                    return Err(if required == before { Reason::WrongType } else { Reason::MissingColumn });
                }
            }
            required += usize::from(column.required);
        }
        if required == self.required { Ok(()) } else { Err(Reason::MissingColumn) }
    }

    /// Event time and time of receipt of a checked row, in milliseconds since 1970.
    pub(super) fn times(&self, row: &Row<'_>) -> Option<(i64, i64)> {
        let time = |wanted: usize| match row.iter().find(|(column, _)| *column == wanted)? {
            (_, Cell::Int(time)) => Some(*time),
            _ => None,
        };
        Some((time(self.event_ts)?, time(self.received_at)?))
    }

    /// Finds a column by name. Lines usually have the columns in order, so the search starts after the last one
    /// found.
    fn find(&self, name: &str, expected: usize) -> Option<usize> {
        let (before, after) = self.columns.split_at_checked(expected)?;
        let is_it = |column: &ReaderColumn| column.name == name;
        after.iter().position(is_it).map(|index| index + expected).or_else(|| before.iter().position(is_it))
    }
}

/// Whether a time lies in the years 1 to 9999.
fn is_time(ms: i64) -> bool {
    (-62_135_596_800_000..YEAR_10000_MS).contains(&ms)
}

fn fits(cell: &Cell<'_>, kind: ColumnType) -> bool {
    match kind {
        ColumnType::String => matches!(cell, Cell::Text(_)),
        ColumnType::Timestamp | ColumnType::BigInt => matches!(cell, Cell::Int(_)),
        ColumnType::Boolean => matches!(cell, Cell::Bool(_)),
        ColumnType::StringList => matches!(cell, Cell::List(_)),
        ColumnType::StringMap => matches!(cell, Cell::Map(_)),
    }
}
