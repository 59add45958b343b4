//! Finds phone numbers in texts, in every spelling that providers and businesses use.
//!
//! Supported spellings: digits with an optional plus sign, spaces, dashes or brackets; 00 in front; a JID;
//! percent-encoded in a URL; Base64, because message ids (`wamid.…`) contain the person's number in Base64. If phone
//! numbers are pseudonymised, the keyed hash (64 hexadecimal digits) takes the place of the number.

use std::collections::BTreeSet;

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode_str;

/// Number of digits of a phone number (E.164 allows up to 15). Other runs of digits in a text are not treated as
/// phone numbers.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Minimum length of a Base64 text that is decoded: it holds 9 bytes, and a phone number takes at least 7.
const SHORTEST_BASE64: usize = 12;

/// Maximum number of separator bytes between two groups of digits of one phone number.
const LONGEST_SEPARATOR: usize = 3;

/// Length of the keyed hash of a phone number, in hexadecimal digits.
const HASH_DIGITS: usize = 64;

/// The digits of all possible phone numbers in a text, and all possible keyed hashes.
pub(super) fn numbers_in(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    search(text.as_bytes(), &mut found);
    if text.contains('%') {
        let decoded: Vec<u8> = percent_decode_str(text).collect();
        search(&decoded, &mut found);
    }
    found
}

fn search(text: &[u8], found: &mut BTreeSet<String>) {
    add_numbers(text, found);
    for word in text.split(|byte| !byte.is_ascii_alphanumeric()).filter(|word| word.len() == HASH_DIGITS) {
        if word.iter().all(u8::is_ascii_hexdigit) {
            found.insert(String::from_utf8_lossy(word).to_ascii_lowercase());
        }
    }
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    for token in text.split(|byte| !is_base64(byte)).filter(|token| token.len() >= SHORTEST_BASE64) {
        if !token.iter().all(u8::is_ascii_digit) {
            // A slash may be a Base64 digit or the end of a URL segment, so both readings are decoded.
            token.split(|byte| *byte == b'/').chain([token]).for_each(|token| add_decoded(token, found));
        }
    }
}

fn add_decoded(token: &[u8], found: &mut BTreeSet<String>) {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    // A single character left over after the groups of four encodes no byte.
    let whole = token.len() - usize::from(token.len() % 4 == 1);
    for alphabet in [&STANDARD, &URL_SAFE] {
        if let Ok(bytes) = GeneralPurpose::new(alphabet, config).decode(token.get(..whole).unwrap_or(token)) {
            add_numbers(&bytes, found);
        }
    }
}

/// Adds the phone numbers written as digits. Groups of digits between separators are tried alone and joined.
fn add_numbers(text: &[u8], found: &mut BTreeSet<String>) {
    let mut groups: Vec<&[u8]> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let separator = rest.iter().position(u8::is_ascii_digit).unwrap_or(rest.len());
        let (between, tail) = rest.split_at(separator);
        if between.len() > LONGEST_SEPARATOR || !between.iter().all(is_separator) {
            add_joined(&groups, found);
            groups.clear();
        }
        let digits = tail.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(tail.len());
        let (group, tail) = tail.split_at(digits);
        groups.push(group);
        rest = tail;
    }
    add_joined(&groups, found);
}

/// Whether a byte may separate the digit groups of a phone number. A no-break space is 0xc2 0xa0 in UTF-8.
fn is_separator(byte: &u8) -> bool {
    b" -().+/\xc2\xa0".contains(byte)
}

fn add_joined(groups: &[&[u8]], found: &mut BTreeSet<String>) {
    for start in 0..groups.len() {
        let mut digits = String::new();
        for group in groups.iter().skip(start) {
            digits.extend(group.iter().map(|byte| char::from(*byte)));
            if digits.len() > *PHONE_DIGITS.end() + 2 {
                break;
            }
            // 00 in front of the country code is another spelling of the plus sign.
            for number in [digits.as_str(), digits.strip_prefix("00").unwrap_or(&digits)] {
                if PHONE_DIGITS.contains(&number.len()) {
                    found.insert(number.to_owned());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(text: &str) -> bool {
        numbers_in(text).contains("491701234567")
    }

    #[test]
    fn every_spelling_is_found() {
        for text in [
            "491701234567",
            "+49 170 1234567",
            "0049 170 1234567",
            "call (49) 170-123.45.67 now, or 0",
            "491701234567@s.whatsapp.net",
            "491701234567:12@s.whatsapp.net",
            "https://example.com/?to=%2B49%20170%201234567&x=1",
            "https://example.com/?to=%2B49+170+1234567",
            "wamid.HBgMNDkxNzAxMjM0NTY3FQIAERgSQjYxRjk5RDBFMkJDQkY5NEY4AA==",
            "https://example.com/wamid.HBgMNDkxNzAxMjM0NTY3FQIAERgSQjYxRjk5RDBFMkJDQkY5NEY4AA%3D%3D/x",
            "https://example.com/wamid.HBgMNDkxNzAxMjM0NTY3FQIAERgSQjYxRjk5RDBFMkJDQkY5NEY4AA/x",
            "NDkxNzAxMjM0NTY3",
            "49\u{a0}170\u{a0}1234567",
            "12 491701234567 34",
        ] {
            assert!(has(text), "{text}");
        }
        let hash = "0F".repeat(32);
        for text in [hash.clone(), format!("https://wa.me/{hash}?x=1"), format!("{{\"to\":\"{hash}\"}}")] {
            assert_eq!(numbers_in(&text), BTreeSet::from([hash.to_lowercase()]), "{text}");
        }
        for text in ["", "4917012345670", "49170 and then 1234567", "x4917012345x67"] {
            assert!(!has(text), "{text}");
        }
    }
}
