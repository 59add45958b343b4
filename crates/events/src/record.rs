//! Records: events flattened to one JSON line each. The structs are generated from the columns in `bluetick_schema`,
//! with one field per column in the same order.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use chrono::DateTime;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::options::PseudonymKey;
use crate::pseudonymised::{is_user_id, json_without_numbers, without_numbers};

impl Record {
    /// Event time in milliseconds since 1970, UTC.
    pub fn event_ts(&self) -> i64 {
        self.common().event_ts
    }

    /// Appends the record as one line of NDJSON: `table`, the columns that are not null, a newline.
    pub fn write_line(&self, out: &mut Vec<u8>) {
        // Writing to memory cannot fail, and the keys are strings.
        let written = serde_json::to_writer(&mut *out, self);
        debug_assert!(written.is_ok());
        out.push(b'\n');
    }

    /// The record as a complete row: `table`, all columns in the table's order (null if missing), and `dt`, the
    /// partition (`YYYY-MM-DD`, the UTC date of `event_ts`). Serialise it, or print it as JSON.
    pub fn to_full_json(&self) -> FullJson<'_> {
        FullJson(self)
    }

    /// Replaces phone numbers in all texts of the record, see [`crate::pseudonymised`].
    pub(crate) fn remove_numbers(&mut self, key: &PseudonymKey) {
        self.rewrite(&|name, text| match name {
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

    /// Approximate memory of the record in bytes.
    pub(crate) fn memory(&self) -> usize {
        // 16: the allocator's overhead for a small block.
        let mut bytes = size_of::<Self>() + 16 + self.columns_size();
        self.visit(&mut |_, value| {
            bytes += match value {
                Value::Text(text) => text.len() + 16,
                Value::List(texts) => texts.iter().map(|text| text.len() + size_of::<String>() + 16).sum(),
                Value::Map(texts) => {
                    texts.iter().map(|(key, text)| key.len() + text.len() + 2 * size_of::<String>() + 32).sum()
                }
                _ => 0,
            };
        });
        bytes
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("table", self.table())?;
        let mut result = Ok(());
        self.visit(&mut |name, value| {
            if result.is_ok() && !matches!(value, Value::Null) {
                result = map.serialize_entry(name, &value);
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
        self.0.visit(&mut |name, value| {
            if result.is_ok() {
                result = map.serialize_entry(name, &value);
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

/// Value of a column.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[serde(untagged)]
enum Value<'r> {
    Null,
    Text(&'r str),
    Integer(i64),
    Boolean(bool),
    List(&'r [String]),
    Map(&'r BTreeMap<String, String>),
}

macro_rules! values {
    ($($type:ty => |$value:ident| $convert:expr,)*) => {
        $(impl<'r> From<&'r $type> for Value<'r> {
            fn from($value: &'r $type) -> Self {
                $convert
            }
        })*
    };
}

values! {
    i64 => |value| Value::Integer(*value),
    &'static str => |value| Value::Text(value),
    String => |value| Value::Text(value),
    Option<String> => |value| value.as_deref().map_or(Value::Null, Value::Text),
    Option<i64> => |value| value.map_or(Value::Null, Value::Integer),
    Option<bool> => |value| value.map_or(Value::Null, Value::Boolean),
    Option<Vec<String>> => |value| value.as_deref().map_or(Value::Null, Value::List),
    Option<BTreeMap<String, String>> => |value| value.as_ref().map_or(Value::Null, Value::Map),
}

/// Returns the replacement for a column's text; `None` keeps the text.
type Rewriting<'f> = &'f dyn Fn(&'static str, &str) -> Option<String>;

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

/// The type of a record's field, by the column's type and whether it is required.
macro_rules! field_type {
    (String required fixed $($flag:ident)*) => { &'static str };
    (String required $($flag:ident)*) => { String };
    (String $($flag:ident)*) => { Option<String> };
    (Timestamp required $($flag:ident)*) => { i64 };
    (Timestamp $($flag:ident)*) => { Option<i64> };
    (BigInt $($flag:ident)*) => { Option<i64> };
    (Boolean $($flag:ident)*) => { Option<bool> };
    (StringList $($flag:ident)*) => { Option<Vec<String>> };
    (StringMap $($flag:ident)*) => { Option<BTreeMap<String, String>> };
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
        pub struct $struct {
            $(
                /// The columns that every record has.
                pub $first: $first_type,
            )?
            $(#[doc = concat!("Column: ", $comment, ".")] pub $name: field_type!($kind $($flag)*),)*
        }

        impl $struct {
            fn visit<'r>(&'r self, visit: &mut dyn FnMut(&'static str, Value<'r>)) {
                $(self.$first.visit(visit);)?
                $(visit(const { bluetick_schema::column_name(stringify!($name)) }, Value::from(&self.$name));)*
            }

            fn rewrite(&mut self, rewriting: Rewriting<'_>) {
                $(self.$first.rewrite(rewriting);)?
                $(Rewrite::rewrite(&mut self.$name, stringify!($name), rewriting);)*
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
        $(define_struct! { #[doc = concat!($comment, ".")] $record { common: Common } $own })*

        /// A flattened event: a row of one table.
        ///
        /// As JSON (`serde`, [`Record::write_line`]) it is an object: `table` first, then the columns that are not
        /// null.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Record {
            $(#[doc = concat!($comment, ".")] $record(Box<$record>),)*
        }

        impl Record {
            /// Name of the table that the record belongs to.
            pub fn table(&self) -> &'static str {
                match self {
                    $(Record::$record(_) => stringify!($name),)*
                }
            }

            /// The columns that every record has.
            pub fn common(&self) -> &Common {
                match self {
                    $(Record::$record(columns) => &columns.common,)*
                }
            }

            /// Size of the struct that holds the columns, in bytes.
            fn columns_size(&self) -> usize {
                match self {
                    $(Record::$record(_) => size_of::<$record>(),)*
                }
            }

            fn rewrite(&mut self, rewriting: Rewriting<'_>) {
                match self {
                    $(Record::$record(columns) => columns.rewrite(rewriting),)*
                }
            }

            fn visit<'r>(&'r self, visit: &mut dyn FnMut(&'static str, Value<'r>)) {
                match self {
                    $(Record::$record(columns) => columns.visit(visit),)*
                }
            }
        }
    };
}

bluetick_schema::with_tables!(define_records);
