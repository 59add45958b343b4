//! Identifiers of people: phone numbers as digits, and business-scoped user ids.

use std::borrow::Cow;

use crate::extracted::{Extracted, ExtractedText};
use crate::json::Json;
use crate::limits::{MAX_ID_BYTES, truncate};
use crate::options::Options;

/// The phone number and business-scoped user id of a person, if the provider states them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Person<'j> {
    pub(crate) wa_id: ExtractedText<'j>,
    pub(crate) user_id: ExtractedText<'j>,
}

impl<'j> Person<'j> {
    /// The first phone number and the first user id among these nodes. Relays put user ids into fields for phone
    /// numbers and vice versa, so the format of a value decides what it is, not its field.
    pub(crate) fn of(options: &Options, places: &[&'j Json<'j>]) -> Self {
        let mut person = Person::default();
        for &node in places {
            match identity(node) {
                Some(Identity::Phone(digits)) if person.wa_id.is_none() => {
                    person.wa_id = Some(Extracted::derived(pseudonym(options, digits), "digits of", node));
                }
                Some(Identity::User(user_id)) if person.user_id.is_none() => {
                    person.user_id = Some(Extracted::copied(Cow::Borrowed(user_id), node));
                }
                _ => {}
            }
        }
        person
    }
}

/// The content of a field that identifies a person.
pub(crate) enum Identity<'t> {
    /// The digits of a phone number.
    Phone(Cow<'t, str>),
    /// A business-scoped user id, or another id that is not a phone number.
    User(&'t str),
}

/// The digits of a phone number, or their keyed hash if there is a pseudonym key.
pub(crate) fn pseudonym<'t>(options: &Options, digits: Cow<'t, str>) -> Cow<'t, str> {
    match &options.pseudonym_key {
        Some(key) => Cow::Owned(key.pseudonym(&digits)),
        None => digits,
    }
}

/// Converts a recipient to the form that records hold, so that rows can be looked up by it. A phone number becomes
/// digits, or their keyed hash if there is a pseudonym key. A hash of 64 hexadecimal digits is returned in lower
/// case; a business-scoped user id or a group id is returned unchanged. `None` if the text is none of these.
///
/// ```
/// use bluetick_events::{Options, recipient_id};
///
/// assert_eq!(recipient_id("+91 98765-43210", &Options::default()).as_deref(), Some("919876543210"));
/// assert_eq!(recipient_id("US.1a2b", &Options::default()).as_deref(), Some("US.1a2b"));
/// assert_eq!(recipient_id("some body", &Options::default()), None);
/// ```
pub fn recipient_id(text: &str, options: &Options) -> Option<String> {
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(text.to_ascii_lowercase());
    }
    match identity_of_text(text) {
        Some(Identity::Phone(digits)) => Some(pseudonym(options, digits).into_owned()),
        Some(Identity::User(user_id)) => Some(user_id.to_owned()),
        None if text.contains('@') && text.bytes().all(|byte| byte.is_ascii_graphic()) => Some(text.to_owned()),
        None => None,
    }
}

/// Distinguishes phone numbers (`+49 171 …`, `49171…@s.whatsapp.net`, `49171…:12@c.us`) from user ids (`DE.1a2b…`).
///
/// `None` for groups, newsletters and linked ids (`@g.us`, `@newsletter`, `@lid`).
pub(crate) fn identity<'j>(node: &Json<'j>) -> Option<Identity<'j>> {
    match node {
        Json::Number(number) => Some(Identity::Phone(Cow::Owned(number.as_u64()?.to_string()))),
        Json::String(text) => identity_of_text(text.trim()),
        _ => None,
    }
}

fn identity_of_text(text: &str) -> Option<Identity<'_>> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return phone_digits(text).map(Identity::Phone);
    }
    let text = text.strip_prefix("whatsapp:").unwrap_or(text);
    let text = match text.split_once('@') {
        Some((user, "s.whatsapp.net" | "c.us")) => user.split([':', '_']).next().unwrap_or(user),
        Some(_) => return None,
        None => text,
    };
    if let Some(digits) = phone_digits(text) {
        return Some(Identity::Phone(digits));
    }
    let is_id = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    let plausible = text.contains(|c: char| c.is_ascii_alphabetic()) && text.chars().all(is_id);
    plausible.then(|| Identity::User(truncate(text, MAX_ID_BYTES)))
}

/// Maximum number of digits of a phone number. E.164 allows 15.
const MAX_PHONE_DIGITS: usize = 20;

/// The digits of a text in the format of a phone number; `None` for other texts.
pub(crate) fn phone_digits(text: &str) -> Option<Cow<'_, str>> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return (1..=MAX_PHONE_DIGITS).contains(&text.len()).then_some(Cow::Borrowed(text));
    }
    let is_phone = |c: char| c.is_ascii_digit() || "+-() .\u{a0}".contains(c);
    if !text.chars().all(is_phone) {
        return None;
    }
    let mut digits = String::with_capacity(MAX_PHONE_DIGITS);
    digits.extend(text.chars().filter(char::is_ascii_digit).take(MAX_PHONE_DIGITS + 1));
    (1..=MAX_PHONE_DIGITS).contains(&digits.len()).then_some(Cow::Owned(digits))
}
