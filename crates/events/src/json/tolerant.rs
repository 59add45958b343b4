//! The tolerant parser: explains what is wrong with a text, and repairs errors that senders are known to make.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::builder::{Arena, Builder, Spent};
use super::number::Number;
use super::repair::repair;
use super::{Json, Unreadable};

/// Parses a text whose nodes may take this many bytes. A text that is not valid is repaired and parsed again.
pub(super) fn parse<'a>(arena: &'a Arena, text: &'a str, bytes: usize) -> Result<Json<'a>, Unreadable> {
    match parse_strictly(arena, text, bytes) {
        Err(Unreadable::NotJson(_)) => parse_repaired(arena, text, bytes),
        other => other,
    }
}

/// Repairs a text and parses it.
pub(super) fn parse_repaired<'a>(arena: &'a Arena, text: &str, bytes: usize) -> Result<Json<'a>, Unreadable> {
    parse_strictly(arena, arena.text(&repair(text)), bytes)
}

pub(super) fn parse_strictly<'a>(arena: &'a Arena, text: &'a str, bytes: usize) -> Result<Json<'a>, Unreadable> {
    let mut tree = Tree { builder: Builder::new(arena, bytes), is_spent: false };
    let mut reader = serde_json::Deserializer::from_str(text);
    let parsed = Node { tree: &mut tree }.deserialize(&mut reader).and_then(|json| reader.end().map(|()| json));
    parsed.map_err(|error| {
        // The parser's error text may quote the body, so only its class and position are reported.
        let reason = if tree.is_spent {
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

struct Tree<'a> {
    builder: Builder<'a>,
    /// Whether the memory limit was reached.
    is_spent: bool,
}

impl<'a> Tree<'a> {
    /// Converts the error for the deserializer, whose text is not shown, and records it.
    fn within<T, E: Error>(&mut self, build: impl FnOnce(&mut Builder<'a>) -> Result<T, Spent>) -> Result<T, E> {
        build(&mut self.builder).map_err(|Spent| {
            self.is_spent = true;
            E::custom("over the memory limit")
        })
    }
}

struct Node<'t, 'a> {
    tree: &'t mut Tree<'a>,
}

impl<'de> DeserializeSeed<'de> for Node<'_, 'de> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, 'de> {
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
        Ok(Json::String(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Json<'de>, E> {
        self.tree.within(|builder| builder.text(value)).map(Json::String)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Json<'de>, A::Error> {
        let begin = self.tree.builder.begin_list();
        while let Some(item) = elements.next_element_seed(Node { tree: self.tree })? {
            self.tree.within(|builder| builder.item(begin, item))?;
        }
        Ok(Json::Array(self.tree.builder.list(begin)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json<'de>, A::Error> {
        let begin = self.tree.builder.begin_object();
        while let Some(key) = entries.next_key_seed(Key { tree: self.tree })? {
            let value = entries.next_value_seed(Node { tree: self.tree })?;
            self.tree.within(|builder| builder.member(begin, key, value))?;
        }
        Ok(Json::Object(self.tree.builder.object(begin)))
    }
}

struct Key<'t, 'a> {
    tree: &'t mut Tree<'a>,
}

impl<'de> DeserializeSeed<'de> for Key<'_, 'de> {
    type Value = &'de str;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<&'de str, D::Error> {
        match (Node { tree: self.tree }).deserialize(deserializer)? {
            Json::String(key) => Ok(key),
            _ => Err(D::Error::custom("a key that is not a string")),
        }
    }
}
