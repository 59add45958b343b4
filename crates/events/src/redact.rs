//! Removes credentials from text.

use std::borrow::Cow;

use crate::words::contains;

/// Replaces each JSON Web Token in the text by `(redacted)`. A token consists of three or more base64url parts joined
/// by dots, and starts with `eyJ`, which is `{"` in base64url.
pub(crate) fn without_jwt(text: &str) -> Cow<'_, str> {
    const PREFIX: &str = "eyJ";
    if !(contains(text, b'J') && text.contains(PREFIX)) {
        return Cow::Borrowed(text);
    }
    let is_token = |c: char| c.is_ascii_alphanumeric() || "-_.=".contains(c);
    let mut redacted = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, token)) = rest.find(PREFIX).and_then(|start| rest.split_at_checked(start)) {
        let (token, after) =
            token.split_at_checked(token.find(|c| !is_token(c)).unwrap_or(token.len())).unwrap_or((token, ""));
        redacted.push_str(before);
        redacted.push_str(if token.split('.').count() >= 3 { "(redacted)" } else { token });
        rest = after;
    }
    redacted.push_str(rest);
    Cow::Owned(redacted)
}
