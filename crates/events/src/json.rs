//! A webhook body as a JSON tree that borrows its strings from the body.
//!
//! Differences from `serde_json::Value`: strings are borrowed, a missing member reads as null, and memory is counted
//! while parsing, so that no body uses more than [`MAX_TREE_BYTES`]. Lists, objects and strings with escapes are in an
//! [`Arena`], which frees them all at once.
//!
//! If an object has several members of one name, the last one is used, as in most JSON parsers.
//!
//! There are two parsers. [`plain`] is fast and gives up where JSON is invalid, nested deeply or large; [`tolerant`] then
//! parses the same text again. They return equal trees for all texts that [`plain`] parses.

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod agreement;
mod builder;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#[path = "../tests/support/mutation.rs"]
mod mutation;
mod number;
mod plain;
mod repair;
mod tolerant;

pub(crate) use self::builder::Arena;
use self::number::Number;

/// Memory limit for the nodes of a body, in bytes. A 3 MB body full of statuses uses about two thirds of
/// this limit.
pub(crate) const MAX_TREE_BYTES: usize = 20 << 20;

/// Memory limit for the nodes of JSON inside a string, in bytes.
const MAX_NESTED_TREE_BYTES: usize = 6 << 20;

/// A JSON value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    Number(Number),
    String(&'a str),
    Array(&'a [Json<'a>]),
    Object(&'a [Member<'a>]),
}

/// A member of an object: its name and its value.
pub(crate) type Member<'a> = (&'a str, Json<'a>);

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
    pub(crate) fn parse(arena: &'a Arena, body: &'a [u8]) -> Result<Json<'a>, Unreadable> {
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
        match std::str::from_utf8(body) {
            Ok(text) => Self::parse_within(arena, text, MAX_TREE_BYTES),
            Err(_) => tolerant::parse_repaired(arena, &String::from_utf8_lossy(body), MAX_TREE_BYTES),
        }
    }

    /// Parses JSON inside a string of a body.
    pub(crate) fn parse_nested(arena: &'a Arena, text: &'a str) -> Result<Json<'a>, Unreadable> {
        Self::parse_within(arena, text, MAX_NESTED_TREE_BYTES)
    }

    /// Parses a text whose nodes may take this many bytes.
    fn parse_within(arena: &'a Arena, text: &'a str, bytes: usize) -> Result<Json<'a>, Unreadable> {
        match plain::parse(arena, text, bytes) {
            Some(json) => Ok(json),
            None => tolerant::parse(arena, text, bytes),
        }
    }

    /// The member with this name; null if it is missing or this is not an object.
    #[inline]
    pub(crate) fn get(&self, key: &str) -> &Json<'a> {
        match self {
            Json::Object(members) => {
                members.iter().rev().find(|(name, _)| *name == key).map_or(&NULL, |(_, value)| value)
            }
            _ => &NULL,
        }
    }

    /// The value at a path of member names; null if a member is missing.
    #[inline]
    pub(crate) fn at(&self, keys: &[&str]) -> &Json<'a> {
        keys.iter().fold(self, |node, key| node.get(key))
    }

    /// The first of these members that is not null; null if all are null or missing.
    #[inline]
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

    /// The members of an object in the order of the text; empty for other values.
    pub(crate) fn members(&self) -> &'a [Member<'a>] {
        match *self {
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
    pub(crate) fn as_str(&self) -> Option<&'a str> {
        match *self {
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

fn is_numbered(members: &[Member<'_>]) -> bool {
    let is_number = |key: &str| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit());
    !members.is_empty() && members.iter().all(|(key, _)| is_number(key))
}

/// The elements of a list, see [`Json::items`].
#[derive(Clone, Debug)]
pub(crate) enum Items<'t, 'a> {
    Array(std::slice::Iter<'t, Json<'a>>),
    Numbered(std::slice::Iter<'t, Member<'a>>),
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
