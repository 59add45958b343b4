//! Records: events flattened to one JSON line each. The structs are generated from the columns in `bluetick_schema`,
//! with one field per column in the same order.
//!
//! Texts are borrowed from the body where it contains them as they are.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use chrono::DateTime;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::line::{LineWriter, Value, column_key};
use crate::options::PseudonymKey;
use crate::pseudonymised::{is_user_id, json_without_numbers, without_numbers};

impl Record {
    /// Event time in milliseconds since 1970, UTC.
    pub fn event_ts(&self) -> i64 {
        self.common().event_ts
    }

    /// Appends the record as one line of NDJSON: `table`, the columns that are not null, a newline.
    pub fn write_line(&self, out: &mut Vec<u8>) {
        self.write_columns(out);
    }

    /// The record as a complete row: `table`, all columns in the table's order (null if missing), and `dt`, the
    /// partition (`YYYY-MM-DD`, the UTC date of `event_ts`). Serialise it, or print it as JSON.
    pub fn to_full_json(&self) -> FullJson<'_> {
        FullJson(self)
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("table", self.table())?;
        let mut result = Ok(());
        self.visit(|column, value| {
            if result.is_ok() && !matches!(value, Value::Null) {
                result = map.serialize_entry(column.name, &value);
            }
        });
        result?;
        map.end()
    }
}

/// A record with all its columns, see [`Record::to_full_json`].
#[derive(Clone, Copy, Debug)]
pub struct FullJson<'r>(&'r Record);

impl Serialize for FullJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("table", self.0.table())?;
        let mut result = Ok(());
        self.0.visit(|column, value| {
            if result.is_ok() {
                result = map.serialize_entry(column.name, &value);
            }
        });
        result?;
        let day = DateTime::from_timestamp_millis(self.0.event_ts()).map(|time| time.date_naive().to_string());
        map.serialize_entry("dt", &day)?;
        map.end()
    }
}

impl fmt::Display for FullJson<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// The columns of a table, as a record under construction: its texts may be borrowed from the body.
pub(crate) trait Columns<'r>: Default {
    /// The columns that every record has.
    fn common(&mut self) -> &mut Common<'r>;

    /// Replaces the texts for which `rewriting` returns another.
    fn rewrite(&mut self, rewriting: Rewriting<'_>);

    /// Approximate memory of the record in bytes.
    fn memory(&self) -> usize;

    /// Appends the record as one line of NDJSON, see [`Record::write_line`]. Returns the record's memory, as
    /// [`Self::memory`] does.
    fn write_line(&self, out: &mut Vec<u8>) -> usize;

    /// The record with texts of its own.
    fn into_record(self) -> Record;
}

/// Memory of a record besides its columns, in bytes: the enum, and 16 for the allocator's overhead.
const RECORD_BYTES: usize = size_of::<Record>() + 16;

/// Replaces phone numbers in all texts of a record, see [`crate::pseudonymised`].
pub(crate) fn remove_numbers<'r>(columns: &mut impl Columns<'r>, key: &PseudonymKey) {
    columns.rewrite(&|name, text| match name {
        // The payload's JSON was searched before it was split into parts.
        "payload" => None,
        "response_json" => Some(json_without_numbers(text, key)),
        "wa_id" | "user_id" | "participant" if is_user_id(text) => None,
        _ => match without_numbers(text, key) {
            Cow::Owned(changed) => Some(changed),
            Cow::Borrowed(_) => None,
        },
    });
}

/// Returns the replacement for a column's text; `None` keeps the text.
pub(crate) type Rewriting<'f> = &'f dyn Fn(&'static str, &str) -> Option<String>;

/// A value whose texts can be replaced.
trait Rewrite {
    fn rewrite(&mut self, name: &'static str, rewriting: Rewriting<'_>);
}

macro_rules! without_texts {
    ($($type:ty),*) => {
        $(impl Rewrite for $type {
            fn rewrite(&mut self, _: &'static str, _: Rewriting<'_>) {}
        })*
    };
}

without_texts! { i64, bool, &'static str }

impl Rewrite for String {
    fn rewrite(&mut self, name: &'static str, rewriting: Rewriting<'_>) {
        if let Some(changed) = rewriting(name, self) {
            *self = changed;
        }
    }
}

impl Rewrite for Cow<'_, str> {
    fn rewrite(&mut self, name: &'static str, rewriting: Rewriting<'_>) {
        if let Some(changed) = rewriting(name, self) {
            *self = Cow::Owned(changed);
        }
    }
}

impl<T: Rewrite> Rewrite for Option<T> {
    fn rewrite(&mut self, name: &'static str, rewriting: Rewriting<'_>) {
        if let Some(value) = self {
            value.rewrite(name, rewriting);
        }
    }
}

impl<T: Rewrite> Rewrite for Vec<T> {
    fn rewrite(&mut self, name: &'static str, rewriting: Rewriting<'_>) {
        self.iter_mut().for_each(|value| value.rewrite(name, rewriting));
    }
}

impl<T: Rewrite> Rewrite for BTreeMap<String, T> {
    fn rewrite(&mut self, name: &'static str, rewriting: Rewriting<'_>) {
        let entries = std::mem::take(self).into_iter().map(|(mut key, mut value)| {
            key.rewrite(name, rewriting);
            value.rewrite(name, rewriting);
            (key, value)
        });
        *self = entries.collect();
    }
}

/// A value whose texts can be copied from the body.
trait IntoOwned {
    type Owned;

    fn into_owned(self) -> Self::Owned;
}

impl IntoOwned for Cow<'_, str> {
    type Owned = Cow<'static, str>;

    fn into_owned(self) -> Cow<'static, str> {
        Cow::Owned(Cow::into_owned(self))
    }
}

impl<T: IntoOwned> IntoOwned for Option<T> {
    type Owned = Option<T::Owned>;

    fn into_owned(self) -> Option<T::Owned> {
        self.map(T::into_owned)
    }
}

macro_rules! owned {
    ($($type:ty),*) => {
        $(impl IntoOwned for $type {
            type Owned = $type;

            fn into_owned(self) -> $type {
                self
            }
        })*
    };
}

owned! { i64, bool, &'static str, Vec<String>, BTreeMap<String, String> }

/// The type of a record's field, by the column's type and whether it is required.
macro_rules! field_type {
    (String required fixed $($flag:ident)*) => { &'static str };
    (String required $($flag:ident)*) => { Cow<'r, str> };
    (String $($flag:ident)*) => { Option<Cow<'r, str>> };
    (Timestamp required $($flag:ident)*) => { i64 };
    (Timestamp $($flag:ident)*) => { Option<i64> };
    (BigInt $($flag:ident)*) => { Option<i64> };
    (Boolean $($flag:ident)*) => { Option<bool> };
    (StringList $($flag:ident)*) => { Option<Vec<String>> };
    (StringMap $($flag:ident)*) => { Option<BTreeMap<String, String>> };
}

/// The names of a column.
#[derive(Clone, Copy)]
struct Column {
    name: &'static str,
    /// The name as it is in a line, see [`column_key`].
    key: &'static [u8],
}

/// The [`Column`] of a field.
macro_rules! column {
    ($field:ident) => {
        const {
            const NAME: &str = bluetick_schema::column_name(stringify!($field));
            const KEY: [u8; NAME.len() + 4] = column_key(NAME);
            Column { name: NAME, key: &KEY }
        }
    };
}

/// Defines a struct with one field per column. `$first` is the field with the columns of [`Common`].
macro_rules! define_struct {
    (
        #[doc = $doc:expr] $struct:ident { $($first:ident: $first_type:ty)? }
        { $($name:ident: $kind:ident $($flag:ident)*, $comment:literal;)* }
    ) => {
        #[doc = $doc]
        ///
        /// Times are milliseconds since 1970 in UTC.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $struct<'r> {
            $(
                /// The columns that every record has.
                pub $first: $first_type,
            )?
            $(#[doc = concat!("Column: ", $comment, ".")] pub $name: field_type!($kind $($flag)*),)*
        }

        impl<'r> $struct<'r> {
            #[inline]
            fn visit<'v>(&'v self, visit: &mut impl FnMut(Column, Value<'v>)) {
                $(self.$first.visit(visit);)?
                $(visit(column!($name), Value::from(&self.$name));)*
            }

            /// Writes the columns, and adds up the memory of their values. It does not use `visit`, because the compiler
            /// then passes each value through memory.
            fn write_columns(&self, line: &mut LineWriter<'_>) -> usize {
                let mut bytes = 0;
                $(bytes += self.$first.write_columns(line);)?
                $(
                    let value = Value::from(&self.$name);
                    bytes += value.memory();
                    line.column(column!($name).key, value);
                )*
                bytes
            }

            fn rewrite(&mut self, rewriting: Rewriting<'_>) {
                $(self.$first.rewrite(rewriting);)?
                $(Rewrite::rewrite(&mut self.$name, stringify!($name), rewriting);)*
            }

            fn into_owned(self) -> $struct<'static> {
                $struct {
                    $($first: self.$first.into_owned(),)?
                    $($name: IntoOwned::into_owned(self.$name),)*
                }
            }
        }
    };
}

macro_rules! define_records {
    (
        common $common:tt
        $(table $name:ident $table:ident $record:ident $comment:literal; key $($key:ident)*; columns $own:tt)*
    ) => {
        define_struct! { #[doc = "The columns that every record has."] Common {} $common }
        $(define_struct! { #[doc = concat!($comment, ".")] $record { common: Common<'r> } $own })*

        $(impl<'r> Columns<'r> for $record<'r> {
            fn common(&mut self) -> &mut Common<'r> {
                &mut self.common
            }

            fn rewrite(&mut self, rewriting: Rewriting<'_>) {
                $record::rewrite(self, rewriting);
            }

            fn memory(&self) -> usize {
                let mut bytes = RECORD_BYTES + size_of::<Self>();
                self.visit(&mut |_, value| bytes += value.memory());
                bytes
            }

            fn write_line(&self, out: &mut Vec<u8>) -> usize {
                let mut line = LineWriter::begin(out, stringify!($name));
                let bytes = self.write_columns(&mut line);
                line.end();
                RECORD_BYTES + size_of::<Self>() + bytes
            }

            fn into_record(self) -> Record {
                Record::$record(Box::new(self.into_owned()))
            }
        })*

        /// A flattened event: a row of one table.
        ///
        /// As JSON (`serde`, [`Record::write_line`]) it is an object: `table` first, then the columns that are not
        /// null.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Record {
            $(#[doc = concat!($comment, ".")] $record(Box<$record<'static>>),)*
        }

        impl Record {
            /// Name of the table that the record belongs to.
            pub fn table(&self) -> &'static str {
                match self {
                    $(Record::$record(_) => stringify!($name),)*
                }
            }

            /// The columns that every record has.
            pub fn common(&self) -> &Common<'static> {
                match self {
                    $(Record::$record(columns) => &columns.common,)*
                }
            }

            fn write_columns(&self, out: &mut Vec<u8>) {
                match self {
                    $(Record::$record(columns) => drop(columns.write_line(out)),)*
                }
            }

            fn visit<'v>(&'v self, mut visit: impl FnMut(Column, Value<'v>)) {
                match self {
                    $(Record::$record(columns) => columns.visit(&mut visit),)*
                }
            }
        }
    };
}

bluetick_schema::with_tables!(define_records);
