//! The identifiers by which a person is erased.

use std::fmt;

use crate::error::LakeError;

/// Allowed number of digits of a phone number to erase. Columns hold whatever a provider sends, so numbers outside
/// the E.164 range must be erasable, too.
const STORED_DIGITS: std::ops::RangeInclusive<usize> = 1..=20;

/// A person to erase.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Person {
    /// By phone number in any common spelling or as a JID, or by its keyed hash of 64 hexadecimal digits.
    WaId(String),
    /// By business-scoped user id.
    UserId(String),
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Person::WaId(_) => "WaId(…)",
            Person::UserId(_) => "UserId(…)",
        })
    }
}

impl Person {
    /// The kind of the identifier, and its value in the form that columns hold.
    pub(super) fn normalised(&self) -> Result<(&'static str, String), LakeError> {
        match self {
            Person::WaId(text) => {
                let text = text.trim();
                if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return Ok((WA_ID, text.to_ascii_lowercase()));
                }
                // In a JID such as 491701234567:12@s.whatsapp.net, a device and a server follow the number.
                let number = text.split(['@', ':']).next().unwrap_or_default();
                let digits: String = number.chars().filter(char::is_ascii_digit).collect();
                let is_number = number.chars().all(|c| c.is_ascii_digit() || "+-() .\u{a0}".contains(c));
                if !is_number || !STORED_DIGITS.contains(&digits.len()) {
                    return Err(LakeError::Invalid("a phone number has 1 to 20 digits, its hash 64".to_owned()));
                }
                Ok((WA_ID, digits))
            }
            Person::UserId(text) if text.trim().is_empty() => {
                Err(LakeError::Invalid("the user id is empty".to_owned()))
            }
            Person::UserId(text) => Ok((USER_ID, text.trim().to_owned())),
        }
    }
}

/// Kinds of identifiers; part of the hashed text in the list of erasures.
pub(super) const WA_ID: &str = "wa_id";
pub(super) const USER_ID: &str = "user_id";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_persons_are_refused_and_none_is_shown() {
        let numbers = ["", "x", "49 170 x", "123456789012345678901"].map(|text| Person::WaId(text.into()));
        for person in numbers.into_iter().chain([Person::UserId(" ".into())]) {
            assert!(person.normalised().is_err());
        }
        for text in ["+49 (170) 123-4567", "491701234567@s.whatsapp.net", "491701234567:12@s.whatsapp.net"] {
            assert_eq!(Person::WaId(text.into()).normalised().unwrap(), (WA_ID, "491701234567".to_owned()));
        }
        assert_eq!(Person::WaId("12".into()).normalised().unwrap(), (WA_ID, "12".to_owned()));
        assert_eq!(format!("{:?}", Person::WaId("491701234567".into())), "WaId(…)");
    }
}
