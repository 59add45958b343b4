//! The values of columns, and how they are written in a line of NDJSON. The text of a line is the same as that of
//! `serde_json`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::words::needs_escape;

/// Value of a column.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[serde(untagged)]
pub(crate) enum Value<'r> {
    Null,
    Text(&'r str),
    Integer(i64),
    Boolean(bool),
    List(&'r [String]),
    Map(&'r BTreeMap<String, String>),
}

impl Value<'_> {
    /// Bytes of memory outside the struct of the columns.
    #[inline]
    pub(crate) fn memory(self) -> usize {
        // 16: the allocator's overhead for a small block.
        match self {
            Value::Text(text) => text.len() + 16,
            Value::List(texts) => texts.iter().map(|text| text.len() + size_of::<String>() + 16).sum(),
            Value::Map(texts) => {
                texts.iter().map(|(key, text)| key.len() + text.len() + 2 * size_of::<String>() + 32).sum()
            }
            Value::Null | Value::Integer(_) | Value::Boolean(_) => 0,
        }
    }
}

macro_rules! values {
    ($($type:ty => |$value:ident| $convert:expr,)*) => {
        $(impl<'r> From<&'r $type> for Value<'r> {
            #[inline]
            fn from($value: &'r $type) -> Self {
                $convert
            }
        })*
    };
}

values! {
    i64 => |value| Value::Integer(*value),
    &'static str => |value| Value::Text(value),
    Cow<'_, str> => |value| Value::Text(value),
    Option<Cow<'_, str>> => |value| value.as_deref().map_or(Value::Null, Value::Text),
    Option<i64> => |value| value.map_or(Value::Null, Value::Integer),
    Option<bool> => |value| value.map_or(Value::Null, Value::Boolean),
    Option<Vec<String>> => |value| value.as_deref().map_or(Value::Null, Value::List),
    Option<BTreeMap<String, String>> => |value| value.as_ref().map_or(Value::Null, Value::Map),
}

/// A column's name as it is in a line, as in `,"name":`. `N` is the length of the name plus 4, for the comma, the
/// two quotation marks and the colon.
pub(crate) const fn column_key<const N: usize>(name: &str) -> [u8; N] {
    let mut key = [b'"'; N];
    if let [comma, _, place @ .., _, colon] = &mut key as &mut [u8] {
        (*comma, *colon) = (b',', b':');
        place.copy_from_slice(name.as_bytes());
    }
    key
}

/// Writes the line of one record.
pub(crate) struct LineWriter<'o> {
    out: &'o mut Vec<u8>,
}

impl<'o> LineWriter<'o> {
    /// Begins the line of a record of this table.
    pub(crate) fn begin(out: &'o mut Vec<u8>, table: &'static str) -> Self {
        out.extend_from_slice(b"{\"table\":\"");
        out.extend_from_slice(table.as_bytes());
        out.push(b'"');
        LineWriter { out }
    }

    /// Appends a column, unless it is null. `key` is what [`column_key`] returns.
    #[inline(always)]
    pub(crate) fn column(&mut self, key: &'static [u8], value: Value<'_>) {
        match value {
            Value::Null => {}
            Value::Text(text) => self.text(key, text),
            Value::Integer(number) => self.integer(key, number),
            other => self.json(key, &other),
        }
    }

    fn text(&mut self, key: &'static [u8], text: &str) {
        if needs_escape(text) {
            return self.json(key, &Value::Text(text));
        }
        self.out.reserve(key.len() + text.len() + 2);
        self.out.extend_from_slice(key);
        self.out.push(b'"');
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(b'"');
    }

    fn integer(&mut self, key: &'static [u8], number: i64) {
        self.out.extend_from_slice(key);
        self.out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }

    fn json(&mut self, key: &'static [u8], value: &Value<'_>) {
        self.out.extend_from_slice(key);
        // Writing to memory cannot fail, and the keys of maps are strings.
        let written = serde_json::to_writer(&mut *self.out, value);
        debug_assert!(written.is_ok());
    }

    /// Ends the line.
    pub(crate) fn end(self) {
        self.out.extend_from_slice(b"}\n");
    }
}
