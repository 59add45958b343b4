//! A line of NDJSON, read once: names and values borrowed from the text wherever it has no escapes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::Reason;
use crate::tables::{ColumnType, Table};

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
}

impl TableReader {
    pub(super) fn new(table: Table) -> Self {
        let columns: Vec<_> = table.columns().iter().map(|c| (c.name, c.kind, c.required)).collect();
        let index = |name: &str| columns.iter().position(|(column, ..)| *column == name).unwrap_or(usize::MAX);
        Self { event_ts: index("event_ts"), received_at: index("received_at"), columns }
    }

    /// Sorts the values of a line into columns and checks their types; returns also how many names are no column.
    /// Where a name occurs twice the last counts, as in most readers of JSON.
    pub(super) fn read<'l, 'a>(&self, line: &'l Line<'a>) -> Result<(Row<'l, 'a>, u64), Reason> {
        let mut row = vec![None; self.columns.len()];
        let mut unknown = 0;
        let mut expected = 0;
        for (name, cell) in &line.0 {
            let Some(index) = self.find(name, expected) else {
                unknown += u64::from(name != "table");
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

fn fits(cell: &Cell<'_>, kind: ColumnType) -> bool {
    match kind {
        ColumnType::String => matches!(cell, Cell::Text(_)),
        ColumnType::Timestamp | ColumnType::BigInt => matches!(cell, Cell::Int(_)),
        ColumnType::Boolean => matches!(cell, Cell::Bool(_)),
        ColumnType::StringList => matches!(cell, Cell::List(_)),
        ColumnType::StringMap => matches!(cell, Cell::Map(_)),
    }
}
