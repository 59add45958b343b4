//! A line of NDJSON, read once: names and values borrowed from the text wherever it has no escapes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use sha2::{Digest, Sha256};

use super::{Reason, YEAR_10000_MS};
use crate::keys::EVENT_TIME;
use crate::tables::{ColumnType, STATEMENT_HASH, Table};

/// The mark that ingest puts on a line whose event is after its receipt. The times themselves say as much, so it is no
/// column.
const DOUBTFUL_MARK: &str = "received_at_doubtful";

/// A value, in as many kinds as columns have.
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
    /// Anything else that JSON can say.
    Other,
}

impl<'a> Cell<'a> {
    /// The text, or `Some(None)` for null; `None` for a value of another type.
    fn into_text(self) -> Option<Option<Cow<'a, str>>> {
        match self {
            Cell::Null => Some(None),
            Cell::Text(text) => Some(Some(text)),
            _ => None,
        }
    }

    /// Adds the value to a hash, so that different values add different bytes.
    fn add_to(&self, hasher: &mut Sha256) {
        match self {
            Cell::Null | Cell::Other => hasher.update(b"-"),
            Cell::Bool(value) => hasher.update([b'b', u8::from(*value)]),
            Cell::Int(value) => {
                hasher.update(b"i");
                hasher.update(value.to_be_bytes());
            }
            Cell::Text(text) => add_text(hasher, text),
            Cell::List(items) => {
                hasher.update(b"l");
                hasher.update((items.len() as u64).to_be_bytes());
                items.iter().for_each(|item| add_optional_text(hasher, item.as_deref()));
            }
            Cell::Map(entries) => {
                hasher.update(b"m");
                hasher.update((entries.len() as u64).to_be_bytes());
                for (key, value) in entries {
                    add_text(hasher, key);
                    add_optional_text(hasher, value.as_deref());
                }
            }
        }
    }
}

fn add_optional_text(hasher: &mut Sha256, text: Option<&str>) {
    match text {
        None => hasher.update(b"-"),
        Some(text) => add_text(hasher, text),
    }
}

fn add_text(hasher: &mut Sha256, text: &str) {
    hasher.update(b"t");
    hasher.update((text.len() as u64).to_be_bytes());
    hasher.update(text.as_bytes());
}

/// The names and values of a line, in its order.
#[derive(Debug)]
pub(super) struct Line<'a>(Vec<(Cow<'a, str>, Cell<'a>)>);

impl Line<'_> {
    /// The table it names, if there is one.
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

/// The values of a line by the columns of its table.
pub(super) struct Row<'l, 'a>(Vec<Option<&'l Cell<'a>>>);

impl<'l, 'a> Row<'l, 'a> {
    /// The value of each column, in the table's order.
    pub(super) fn cells(&self) -> impl Iterator<Item = Option<&'l Cell<'a>>> + '_ {
        self.0.iter().copied()
    }

    /// Puts a value into a column.
    pub(super) fn set(&mut self, column: usize, cell: &'l Cell<'a>) {
        if let Some(slot) = self.0.get_mut(column) {
            *slot = Some(cell);
        }
    }

    /// The integer in a column.
    pub(super) fn timestamp(&self, column: usize) -> Option<i64> {
        match self.0.get(column) {
            Some(Some(Cell::Int(value))) => Some(*value),
            _ => None,
        }
    }
}

/// Reads lines of one table.
pub(super) struct TableReader {
    columns: Vec<(&'static str, ColumnType, bool)>,
    pub(super) event_ts: usize,
    pub(super) received_at: usize,
    pub(super) statement_hash: usize,
}

impl TableReader {
    pub(super) fn new(table: Table) -> Self {
        let columns: Vec<_> = table.columns().iter().map(|c| (c.name, c.kind, c.required)).collect();
        let index = |name: &str| columns.iter().position(|(column, ..)| *column == name).unwrap_or(usize::MAX);
        let (event_ts, received_at) = (index(EVENT_TIME), index("received_at"));
        Self { event_ts, received_at, statement_hash: index(STATEMENT_HASH), columns }
    }

    /// The hash of what a row states: the first 64 bits of the SHA-256 of its values with their columns' names. The
    /// event time is part of the key, or the time of receipt; the latter differs between two reports of the same
    /// statement. A column that is null adds nothing, so that a column added later changes no hash.
    pub(super) fn statement_hash(&self, row: &Row<'_, '_>) -> i64 {
        let mut hasher = Sha256::new();
        for (index, ((name, ..), cell)) in self.columns.iter().zip(row.cells()).enumerate() {
            if ![self.event_ts, self.received_at, self.statement_hash].contains(&index)
                && let Some(cell) = cell
            {
                add_text(&mut hasher, name);
                cell.add_to(&mut hasher);
            }
        }
        let mut first = [0; 8];
        first.iter_mut().zip(hasher.finalize()).for_each(|(to, byte)| *to = byte);
        i64::from_be_bytes(first)
    }

    /// Sorts the values of a line into columns and checks their types; returns also how many names are no column.
    /// Where a name occurs twice the last counts, as in most readers of JSON.
    pub(super) fn read<'l, 'a>(&self, line: &'l Line<'a>) -> Result<(Row<'l, 'a>, u64), Reason> {
        let mut row = vec![None; self.columns.len()];
        let mut unknown = 0;
        let mut expected = 0;
        for (name, cell) in &line.0 {
            let Some(index) = self.find(name, expected) else {
                unknown += u64::from(![Cow::Borrowed("table"), Cow::Borrowed(DOUBTFUL_MARK)].contains(name));
                continue;
            };
            expected = index + 1;
            if let Some(slot) = row.get_mut(index) {
                *slot = Some(cell);
            }
        }
        for (slot, (_, kind, required)) in row.iter_mut().zip(&self.columns) {
            match slot {
                None | Some(Cell::Null) if *required => return Err(Reason::MissingColumn),
                None => {}
                Some(Cell::Null) => *slot = None,
                // A time that no calendar holds breaks the arithmetic of readers. It is no reason to lose the row.
                Some(Cell::Int(time)) if *kind == ColumnType::Timestamp && !*required && !is_time(*time) => {
                    *slot = None;
                }
                Some(cell) if fits(cell, *kind) => {}
                Some(_) => return Err(Reason::WrongType),
            }
        }
        Ok((Row(row), unknown))
    }

    /// Writers keep the order of the columns, so the search begins behind the last one found.
    fn find(&self, name: &str, expected: usize) -> Option<usize> {
        let (before, after) = self.columns.split_at_checked(expected)?;
        let is_it = |(column, ..): &(&str, ColumnType, bool)| *column == name;
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
