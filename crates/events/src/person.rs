//! Identifiers of people: phone numbers as digits, and business-scoped user ids.

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
                    person.user_id = Some(Extracted::copied(user_id, node));
                }
                _ => {}
            }
        }
        person
    }
}

/// The content of a field that identifies a person.
pub(crate) enum Identity {
    /// The digits of a phone number.
    Phone(String),
    /// A business-scoped user id, or another id that is not a phone number.
    User(String),
}

/// The digits of a phone number, or their keyed hash if there is a pseudonym key.
pub(crate) fn pseudonym(options: &Options, digits: String) -> String {
    match &options.pseudonym_key {
        Some(key) => key.pseudonym(&digits),
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
        Some(Identity::Phone(digits)) => Some(pseudonym(options, digits)),
        Some(Identity::User(user_id)) => Some(user_id),
        None if text.contains('@') && text.bytes().all(|byte| byte.is_ascii_graphic()) => Some(text.to_owned()),
        None => None,
    }
}

/// Distinguishes phone numbers (`+49 171 …`, `49171…@s.whatsapp.net`, `49171…:12@c.us`) from user ids (`DE.1a2b…`).
///
/// `None` for groups, newsletters and linked ids (`@g.us`, `@newsletter`, `@lid`).
pub(crate) fn identity(node: &Json<'_>) -> Option<Identity> {
    match node {
        Json::Number(number) => Some(Identity::Phone(number.as_u64()?.to_string())),
        Json::String(text) => identity_of_text(text.trim()),
        _ => None,
    }
}

fn identity_of_text(text: &str) -> Option<Identity> {
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
    plausible.then(|| Identity::User(truncate(text, MAX_ID_BYTES).to_owned()))
}

/// The digits of a text in the format of a phone number; `None` for other texts. Up to 20 digits are accepted; E.164
/// allows 15.
pub(crate) fn phone_digits(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).take(21).collect();
    let is_phone = |c: char| c.is_ascii_digit() || "+-() .\u{a0}".contains(c);
    ((1..=20).contains(&digits.len()) && text.chars().all(is_phone)).then_some(digits)
}
