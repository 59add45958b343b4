//! Values read from a body, together with the place they come from.

use crate::bounds::{self, cut};
use crate::json::Json;
use crate::payload::without_jwt;

/// A value, and the nodes of the body that it was read from: what `flatten --explain` shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'j, T> {
    pub(crate) value: T,
    /// How the value was made of the nodes; empty if it stands there as it is.
    pub(crate) how: &'static str,
    pub(crate) nodes: [Option<&'j Json<'j>>; 2],
}

impl<'j, T> Found<'j, T> {
    pub(crate) fn copied(value: T, node: &'j Json<'j>) -> Self {
        Found { value, how: "", nodes: [Some(node), None] }
    }

    pub(crate) fn read(value: T, how: &'static str, node: &'j Json<'j>) -> Self {
        Found { value, how, nodes: [Some(node), None] }
    }

    /// A value that comes from no node.
    pub(crate) fn made(value: T, how: &'static str) -> Self {
        Found { value, how, nodes: [None, None] }
    }

    pub(crate) fn map<U>(self, convert: impl FnOnce(T) -> U) -> Found<'j, U> {
        Found { value: convert(self.value), how: self.how, nodes: self.nodes }
    }
}

/// What text columns are read from.
pub(crate) type FoundText<'j> = Option<Found<'j, String>>;

/// A text as it stands there, not longer than `bytes`; numbers become text, everything else is no text. Empty is none.
/// JSON Web Tokens are taken out: they are credentials, and Interakt puts one with the phone number into links.
pub(crate) fn text_within<'j>(node: &'j Json<'j>, bytes: usize) -> FoundText<'j> {
    match node {
        Json::String(text) if !text.is_empty() => {
            let text = without_jwt(text);
            Some(Found::copied(cut(&text, bytes).to_owned(), node))
        }
        Json::Number(number) => Some(Found::copied(number.to_string(), node)),
        _ => None,
    }
}

/// An identifier.
pub(crate) fn id<'j>(node: &'j Json<'j>) -> FoundText<'j> {
    text_within(node, bounds::MAX_ID_BYTES)
}

/// A label or another text that is shown to people.
pub(crate) fn text<'j>(node: &'j Json<'j>) -> FoundText<'j> {
    text_within(node, bounds::MAX_TEXT_BYTES)
}

/// A link.
pub(crate) fn url<'j>(node: &'j Json<'j>) -> FoundText<'j> {
    text_within(node, bounds::MAX_URL_BYTES)
}

/// An integer, also one written as a string.
pub(crate) fn integer<'j>(node: &'j Json<'j>) -> Option<Found<'j, i64>> {
    let value = match node {
        Json::Number(number) => number.as_i64(),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    Some(Found::copied(value?, node))
}

/// A boolean, also one written as a string.
pub(crate) fn boolean<'j>(node: &'j Json<'j>) -> Option<Found<'j, bool>> {
    let value = match node {
        Json::Bool(value) => *value,
        Json::String(text) => text.trim().to_ascii_lowercase().parse().ok()?,
        _ => return None,
    };
    Some(Found::copied(value, node))
}

/// A text that the business chose to find its own data again: as it stands there, whatever it looks like.
pub(crate) fn own_token<'j>(node: &'j Json<'j>) -> FoundText<'j> {
    match node {
        Json::String(text) if !text.is_empty() => {
            Some(Found::copied(cut(text, bounds::MAX_TEXT_BYTES).to_owned(), node))
        }
        _ => text(node),
    }
}
