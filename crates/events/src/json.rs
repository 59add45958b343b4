//! A webhook body as a JSON tree that borrows its strings from the body.
//!
//! Differences from `serde_json::Value`: strings are borrowed, a missing member reads as null, and memory is counted
//! while parsing, so that no body uses more than [`MAX_TREE_BYTES`].
//!
//! If an object has several members of one name, the last one is used, as in most JSON parsers.

mod repair;

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

/// Memory limit for the nodes of a body, in bytes. A 3 MB body full of updates uses about two thirds of it.
pub(crate) const MAX_TREE_BYTES: usize = 20 << 20;

/// Memory limit for the nodes of JSON inside a string, in bytes.
const MAX_NESTED_TREE_BYTES: usize = 6 << 20;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    Number(Number),
    String(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// Why a body cannot be parsed as JSON within the limits. [`crate::unreadable_record`] stores such a body whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The body is not JSON, or is nested more than 128 levels deep.
    #[error("not valid JSON: {0}")]
    NotJson(String),
    /// The body is JSON, but neither an object nor a list that contains an object.
    #[error("expected a JSON object, found {0}")]
    NotAnObject(&'static str),
    /// The nodes of the body exceed [`MAX_TREE_BYTES`].
    #[error("more JSON values than a webhook can hold ({} bytes of nodes)", MAX_TREE_BYTES)]
    TooManyValues,
    /// The records of the body exceed [`crate::limits::MAX_RECORDS_BYTES`].
    #[error("more events than a webhook can hold ({} bytes of records)", crate::limits::MAX_RECORDS_BYTES)]
    TooManyEvents,
}

static NULL: Json<'static> = Json::Null;

impl<'a> Json<'a> {
    /// Parses a body. Repairs errors that senders are known to make: a byte order mark, lone surrogates, invalid
    /// UTF-8, and numbers outside the range of a double, which become strings.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Json<'a>, Unreadable> {
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
        match std::str::from_utf8(body) {
            Ok(text) => Self::parse_within(text, MAX_TREE_BYTES),
            Err(_) => parse_repaired(&String::from_utf8_lossy(body), MAX_TREE_BYTES),
        }
    }

    /// Parses JSON inside a string of a body.
    pub(crate) fn parse_nested(text: &'a str) -> Result<Json<'a>, Unreadable> {
        Self::parse_within(text, MAX_NESTED_TREE_BYTES)
    }

    fn parse_within(text: &'a str, bytes: usize) -> Result<Json<'a>, Unreadable> {
        match parse_strictly(text, bytes) {
            Err(Unreadable::NotJson(_)) => parse_repaired(text, bytes),
            other => other,
        }
    }

    fn into_owned<'b>(self) -> Json<'b> {
        match self {
            Json::Null => Json::Null,
            Json::Bool(value) => Json::Bool(value),
            Json::Number(value) => Json::Number(value),
            Json::String(value) => Json::String(Cow::Owned(value.into_owned())),
            Json::Array(items) => Json::Array(items.into_iter().map(Json::into_owned).collect()),
            Json::Object(members) => Json::Object(
                members.into_iter().map(|(key, value)| (Cow::Owned(key.into_owned()), value.into_owned())).collect(),
            ),
        }
    }

    /// The member with this name; null if it is missing or this is not an object.
    pub(crate) fn get(&self, key: &str) -> &Json<'a> {
        match self {
            Json::Object(members) => {
                members.iter().rev().find(|(name, _)| name == key).map_or(&NULL, |(_, value)| value)
            }
            _ => &NULL,
        }
    }

    /// The value at a path of member names; null if a member is missing.
    pub(crate) fn at(&self, keys: &[&str]) -> &Json<'a> {
        keys.iter().fold(self, |node, key| node.get(key))
    }

    /// The first of these members that is not null; null if all are null or missing.
    pub(crate) fn first(&self, keys: &[&str]) -> &Json<'a> {
        keys.iter().map(|key| self.get(key)).find(|node| !node.is_null()).unwrap_or(&NULL)
    }

    /// The elements of a list. PHP writes a list with gaps as an object with numeric keys; the elements are its
    /// values. Some senders omit the brackets around a single element, so any other value except null is a list of
    /// one element.
    pub(crate) fn items(&self) -> Items<'_, 'a> {
        match self {
            Json::Null => Items::Array([].iter()),
            Json::Array(items) => Items::Array(items.iter()),
            Json::Object(members) if is_numbered(members) => Items::Numbered(members.iter()),
            other => Items::Array(std::slice::from_ref(other).iter()),
        }
    }

    pub(crate) fn members(&self) -> &[(Cow<'a, str>, Json<'a>)] {
        match self {
            Json::Object(members) => members,
            _ => &[],
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Json::Null)
    }

    pub(crate) fn is_object(&self) -> bool {
        matches!(self, Json::Object(_))
    }

    pub(crate) fn is_array(&self) -> bool {
        matches!(self, Json::Array(_))
    }

    /// The text of a non-empty string; `None` for other values.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Json::String(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// The name of the type, for error messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::String(_) => "a string",
            Json::Array(_) => "an array",
            Json::Object(_) => "an object",
        }
    }
}

fn is_numbered(members: &[(Cow<'_, str>, Json<'_>)]) -> bool {
    let is_number = |key: &str| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit());
    !members.is_empty() && members.iter().all(|(key, _)| is_number(key))
}

/// The elements of a list, see [`Json::items`].
#[derive(Clone, Debug)]
pub(crate) enum Items<'t, 'a> {
    Array(std::slice::Iter<'t, Json<'a>>),
    Numbered(std::slice::Iter<'t, (Cow<'a, str>, Json<'a>)>),
}

impl<'t, 'a> Iterator for Items<'t, 'a> {
    type Item = &'t Json<'a>;

    fn next(&mut self) -> Option<&'t Json<'a>> {
        match self {
            Items::Array(items) => items.next(),
            Items::Numbered(members) => members.next().map(|(_, value)| value),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Items::Array(items) => items.size_hint(),
            Items::Numbered(members) => members.size_hint(),
        }
    }
}

impl ExactSizeIterator for Items<'_, '_> {}

/// The deserializer's error text when the memory limit is reached. It is not shown; [`Budget::spent`] records the
/// cause.
const OVER_BUDGET: &str = "over the budget of nodes";

fn parse_repaired<'a>(text: &str, bytes: usize) -> Result<Json<'a>, Unreadable> {
    let repaired = repair::repair(text);
    parse_strictly(&repaired, bytes).map(Json::into_owned)
}

fn parse_strictly(text: &str, bytes: usize) -> Result<Json<'_>, Unreadable> {
    let budget = Budget { left: Cell::new(bytes), spent: Cell::new(false) };
    let mut reader = serde_json::Deserializer::from_str(text);
    let parsed = Node { budget: &budget }.deserialize(&mut reader).and_then(|json| reader.end().map(|()| json));
    parsed.map_err(|error| {
        // The parser's error text may quote the body, so only its class and position are reported.
        let reason = if budget.spent.get() {
            return Unreadable::TooManyValues;
        } else if error.is_eof() {
            "it ends early"
        } else if text.trim_start().starts_with(['{', '[']) {
            "syntax error"
        } else {
            "it does not begin like an object"
        };
        Unreadable::NotJson(format!("{reason} at line {} column {}", error.line(), error.column()))
    })
}

struct Budget {
    left: Cell<usize>,
    spent: Cell<bool>,
}

impl Budget {
    fn take<E: serde::de::Error>(&self, bytes: usize) -> Result<(), E> {
        match self.left.get().checked_sub(bytes) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => {
                self.spent.set(true);
                Err(E::custom(OVER_BUDGET))
            }
        }
    }

    /// Appends to a list. Counts the memory that the list reserves, not only what it uses.
    fn push<T, E: serde::de::Error>(&self, list: &mut Vec<T>, item: T) -> Result<(), E> {
        if list.len() == list.capacity() {
            let more = list.capacity().max(2);
            // 16: the allocator's overhead for a small block.
            self.take(more * size_of::<T>() + 16)?;
            list.reserve_exact(more);
        }
        list.push(item);
        Ok(())
    }

    /// Releases the unused capacity of a completed list.
    fn finish<T>(&self, mut list: Vec<T>) -> Vec<T> {
        self.left.set(self.left.get() + (list.capacity() - list.len()) * size_of::<T>());
        list.shrink_to_fit();
        list
    }
}

#[derive(Clone, Copy)]
struct Node<'b> {
    budget: &'b Budget,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json<'de>, E> {
        Ok(Number::from_f64(value).map_or(Json::Null, Json::Number))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::String(Cow::Borrowed(value)))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Json<'de>, E> {
        self.budget.take(value.len() + 16)?;
        Ok(Json::String(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Json<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = elements.next_element_seed(self)? {
            self.budget.push(&mut items, item)?;
        }
        Ok(Json::Array(self.budget.finish(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = entries.next_key_seed(Key { budget: self.budget })? {
            let value = entries.next_value_seed(self)?;
            self.budget.push(&mut members, (key, value))?;
        }
        Ok(Json::Object(self.budget.finish(members)))
    }
}

struct Key<'b> {
    budget: &'b Budget,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        match (Node { budget: self.budget }).deserialize(deserializer)? {
            Json::String(key) => Ok(key),
            _ => Err(D::Error::custom("a key that is not a string")),
        }
    }
}
