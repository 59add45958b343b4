//! A webhook body as a tree that borrows from it.
//!
//! Why not `serde_json::Value`: strings need no copy here, a missing member reads as null without ceremony, and the memory
//! is counted while parsing, so that no body, however hostile, takes more than [`MAX_TREE_BYTES`].
//!
//! An object may name a key twice. The last one counts, as in most JSON readers.

mod repair;

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

/// Bytes that the nodes of one tree may take. A body of 3 MB with a thousand updates takes less than half of it.
pub(crate) const MAX_TREE_BYTES: usize = 22 << 20;

/// What stands at one place of a body.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    Number(Number),
    String(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// A body that cannot be read as JSON within the limits.
///
/// Whoever receives one keeps the body whole, see [`crate::unreadable_record`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The body is no JSON, or nested deeper than 128 levels.
    #[error("not valid JSON: {0}")]
    NotJson(String),
    /// The body is JSON, but neither an object nor an array that holds one.
    #[error("expected a JSON object, found {0}")]
    NotAnObject(&'static str),
    /// The tree of the body would take more memory than a body may.
    #[error("more JSON values than a webhook can hold ({} bytes of nodes)", MAX_TREE_BYTES)]
    TooManyValues,
    /// The body holds more events than a webhook may.
    #[error("more than {} events in one body", crate::bounds::MAX_RECORDS)]
    TooManyEvents,
}

static NULL: Json<'static> = Json::Null;

impl<'a> Json<'a> {
    /// Reads a body. Faults that senders really produce are repaired first: a byte order mark, lone surrogates, bytes that are
    /// no UTF-8, numbers beyond the range of a double (which become strings).
    pub(crate) fn parse(body: &'a [u8]) -> Result<Json<'a>, Unreadable> {
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
        match std::str::from_utf8(body) {
            Ok(text) => Self::parse_text(text),
            Err(_) => Self::parse_repaired(&String::from_utf8_lossy(body)),
        }
    }

    /// Reads a JSON text, for example one that a body carries as a string.
    pub(crate) fn parse_text(text: &'a str) -> Result<Json<'a>, Unreadable> {
        match parse_strictly(text) {
            Err(Unreadable::NotJson(_)) => Self::parse_repaired(text),
            other => other,
        }
    }

    fn parse_repaired(text: &str) -> Result<Json<'a>, Unreadable> {
        let repaired = repair::repair(text);
        parse_strictly(&repaired).map(Json::into_owned)
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

    /// The member of that name; null if there is none or this is no object.
    pub(crate) fn get(&self, key: &str) -> &Json<'a> {
        match self {
            Json::Object(members) => {
                members.iter().rev().find(|(name, _)| name == key).map_or(&NULL, |(_, value)| value)
            }
            _ => &NULL,
        }
    }

    /// The value behind a chain of members; null if the chain breaks.
    pub(crate) fn at(&self, keys: &[&str]) -> &Json<'a> {
        keys.iter().fold(self, |node, key| node.get(key))
    }

    /// The first of these members that is not null.
    pub(crate) fn first(&self, keys: &[&str]) -> &Json<'a> {
        keys.iter().map(|key| self.get(key)).find(|node| !node.is_null()).unwrap_or(&NULL)
    }

    /// The elements of an array. Senders leave the brackets away where there is one: anything else but null is its own only
    /// element.
    pub(crate) fn items(&self) -> &[Json<'a>] {
        match self {
            Json::Null => &[],
            Json::Array(items) => items,
            other => std::slice::from_ref(other),
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

    /// The text of a string that is not empty.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Json::String(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// What it is, for messages to people.
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

/// The message that a deserializer's error carries when the memory is used up.
const OVER_BUDGET: &str = "over the budget of nodes";

fn parse_strictly(text: &str) -> Result<Json<'_>, Unreadable> {
    let budget = Budget { left: Cell::new(MAX_TREE_BYTES), spent: Cell::new(false) };
    let mut reader = serde_json::Deserializer::from_str(text);
    let parsed = Node { budget: &budget }.deserialize(&mut reader).and_then(|json| reader.end().map(|()| json));
    parsed.map_err(|error| {
        // The error's own text may quote the body; its position and class say enough.
        let reason = if budget.spent.get() {
            return Unreadable::TooManyValues;
        } else if error.is_eof() {
            "it ends early"
        } else if text.trim_start().starts_with(['{', '[']) {
            "syntax error"
        } else {
            "it begins like no object"
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

    /// Adds to a list, and accounts for the memory that the list reserves, not only for what it uses.
    fn push<T, E: serde::de::Error>(&self, list: &mut Vec<T>, item: T) -> Result<(), E> {
        if list.len() == list.capacity() {
            let more = list.capacity().max(2);
            // 16: what an allocator keeps beside a small block.
            self.take(more * size_of::<T>() + 16)?;
            list.reserve_exact(more);
        }
        list.push(item);
        Ok(())
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
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = entries.next_key_seed(Key { budget: self.budget })? {
            let value = entries.next_value_seed(self)?;
            self.budget.push(&mut members, (key, value))?;
        }
        Ok(Json::Object(members))
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
            _ => Err(D::Error::custom("a key that is no string")),
        }
    }
}
