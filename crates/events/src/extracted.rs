//! Values extracted from a body, with their source.

use std::borrow::Cow;

use crate::json::Json;
use crate::limits::{self, truncate, truncated};
use crate::redact::without_jwt;

/// A value and the JSON nodes that it was read from. `flatten --explain` prints the paths of these nodes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extracted<'j, T> {
    pub(crate) value: T,
    /// How the value was derived from the nodes; empty if it was copied.
    pub(crate) how: &'static str,
    pub(crate) nodes: [Option<&'j Json<'j>>; 2],
}

impl<'j, T> Extracted<'j, T> {
    /// A value that was copied from a node.
    pub(crate) fn copied(value: T, node: &'j Json<'j>) -> Self {
        Extracted { value, how: "", nodes: [Some(node), None] }
    }

    /// A value that was converted from a node; `how` describes the conversion.
    pub(crate) fn derived(value: T, how: &'static str, node: &'j Json<'j>) -> Self {
        Extracted { value, how, nodes: [Some(node), None] }
    }

    /// A value that does not come from a single node, such as a hash or a default.
    pub(crate) fn computed(value: T, how: &'static str) -> Self {
        Extracted { value, how, nodes: [None, None] }
    }

    pub(crate) fn map<U>(self, convert: impl FnOnce(T) -> U) -> Extracted<'j, U> {
        Extracted { value: convert(self.value), how: self.how, nodes: self.nodes }
    }
}

/// A text, borrowed from the body where the body contains it as it is.
pub(crate) type Text<'j> = Extracted<'j, Cow<'j, str>>;

/// A text for a nullable column.
pub(crate) type ExtractedText<'j> = Option<Text<'j>>;

impl<'j> Text<'j> {
    /// A name that the code determines, not the body. `how` describes why.
    pub(crate) fn named(name: &'static str, how: &'static str, node: &'j Json<'j>) -> Self {
        Extracted::derived(Cow::Borrowed(name), how, node)
    }
}

/// A string or number as text, truncated to `bytes` bytes. `None` for empty strings and all other types.
///
/// JSON Web Tokens are removed, because they are credentials. Interakt puts one that contains the phone number into
/// links.
pub(crate) fn text_within<'j>(node: &'j Json<'j>, bytes: usize) -> ExtractedText<'j> {
    match node {
        Json::String(text) if !text.is_empty() => Some(Extracted::copied(truncated(without_jwt(text), bytes), node)),
        Json::Number(number) => Some(Extracted::copied(Cow::Owned(number.to_string()), node)),
        _ => None,
    }
}

/// An identifier, truncated to [`limits::MAX_ID_BYTES`].
pub(crate) fn id<'j>(node: &'j Json<'j>) -> ExtractedText<'j> {
    text_within(node, limits::MAX_ID_BYTES)
}

/// A label or description, truncated to [`limits::MAX_TEXT_BYTES`].
pub(crate) fn text<'j>(node: &'j Json<'j>) -> ExtractedText<'j> {
    text_within(node, limits::MAX_TEXT_BYTES)
}

/// A URL, truncated to [`limits::MAX_URL_BYTES`].
pub(crate) fn url<'j>(node: &'j Json<'j>) -> ExtractedText<'j> {
    text_within(node, limits::MAX_URL_BYTES)
}

/// An integer, given as a number or as a string.
pub(crate) fn integer<'j>(node: &'j Json<'j>) -> Option<Extracted<'j, i64>> {
    let value = match node {
        Json::Number(number) => number.as_i64(),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    Some(Extracted::copied(value?, node))
}

/// A boolean, given as a boolean or as a string in any case.
pub(crate) fn boolean<'j>(node: &'j Json<'j>) -> Option<Extracted<'j, bool>> {
    let value = match node {
        Json::Bool(value) => *value,
        Json::String(text) => text.trim().to_ascii_lowercase().parse().ok()?,
        _ => return None,
    };
    Some(Extracted::copied(value, node))
}

/// A token that the business chose, such as callback data or a flow token. It is kept unchanged, even if it looks
/// like a JSON Web Token.
pub(crate) fn own_token<'j>(node: &'j Json<'j>) -> ExtractedText<'j> {
    match node {
        Json::String(text) if !text.is_empty() => {
            Some(Extracted::copied(Cow::Borrowed(truncate(text, limits::MAX_TEXT_BYTES)), node))
        }
        _ => text(node),
    }
}
