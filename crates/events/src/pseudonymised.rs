//! Pseudonymised mode: with a pseudonym key, no text of a record contains a phone number in any spelling.
//!
//! Every text is converted by the same function, so equal texts stay equal and joins keep working.
//!
//! | in a text | becomes |
//! |---|---|
//! | `wamid.<Base64>` | `wamid.` and the keyed hash of the id without its padding |
//! | other Base64 that holds a number | its keyed hash |
//! | a number: digits, also with separators, `+`, `00`, in a JID, percent-encoded | the keyed hash of its digits |
//!
//! A phone number has 8 to 14 digits, or 7 to 15 after `+` or `00`. Not treated as phone numbers: dates, Unix times,
//! UUIDs, hexadecimal ids, fewer than 10 digits next to a letter, and longer runs of digits (Meta's ids have 15 or
//! more).

use std::borrow::Cow;
use std::ops::RangeInclusive;

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::options::{Options, PseudonymKey};

/// Number of digits of a phone number without `+` or `00`.
const PLAIN_DIGITS: RangeInclusive<usize> = 8..=14;

/// Number of digits of a phone number in several groups without `+` or `00`.
const GROUPED_DIGITS: RangeInclusive<usize> = 8..=13;

/// Minimum number of digits of a phone number that touches a letter.
const TOUCHING_DIGITS: usize = 10;

/// Number of bytes on each side of digits that are examined for a word: more than the length of a UUID. The limit
/// keeps the run time linear in the text's length.
const LONGEST_WORD: usize = 64;

/// Length of the hashes that replace phone numbers, in hexadecimal digits.
const HASH_DIGITS: usize = 64;

/// Number of digits of a phone number after `+` or `00` (E.164 allows up to 15).
const MARKED_DIGITS: RangeInclusive<usize> = 7..=15;

/// Minimum length of Base64 that is decoded; it holds 9 bytes.
const SHORTEST_BASE64: usize = 12;

/// Maximum number of bytes between two groups of digits of one phone number.
const LONGEST_SEPARATOR: usize = 3;

/// Maximum number of times that a text may be percent-encoded.
const MOST_ENCODINGS: usize = 3;

/// Prefix of WhatsApp's message ids.
const WAMID: &str = "wamid.";

/// Converts a text to the form that records hold: with a pseudonym key, phone numbers are replaced; otherwise it is
/// unchanged. Use it for ids and names that are looked up in records.
///
/// ```
/// use bluetick_events::{Options, PseudonymKey, pseudonymised};
///
/// assert_eq!(pseudonymised("wamid.X", &Options::default()), "wamid.X");
/// let options = Options { pseudonym_key: PseudonymKey::new(b"a key"), ..Options::default() };
/// assert_eq!(pseudonymised("wamid.X", &options).len(), "wamid.".len() + 64);
/// ```
pub fn pseudonymised<'t>(text: &'t str, options: &Options) -> Cow<'t, str> {
    match &options.pseudonym_key {
        Some(key) => without_numbers(text, key),
        None => Cow::Borrowed(text),
    }
}

/// Whether a text is a business-scoped user id such as `US.13491208655302741918`. Its digits are not a phone number.
pub(crate) fn is_user_id(text: &str) -> bool {
    text.split_once('.').is_some_and(|(country, id)| {
        let is_country = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
        is_country && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// Replaces phone numbers in the strings, names and numbers of a JSON text. A number that is a phone number becomes a
/// string. A text that is not JSON is handled as plain text.
pub(crate) fn json_without_numbers(json: &str, key: &PseudonymKey) -> String {
    if !json.starts_with(['{', '[']) {
        return without_numbers(json, key).into_owned();
    }
    let mut result = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(start) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        let (before, token) = rest.split_at(start);
        result.push_str(before);
        let is_text = token.starts_with('"');
        let (token, after) = token.split_at(if is_text { text_end(token) } else { number_end(token) });
        let content =
            if is_text { serde_json::from_str(token).unwrap_or_else(|_| token.to_owned()) } else { token.to_owned() };
        match without_numbers(&content, key) {
            Cow::Owned(changed) => result.push_str(&serde_json::Value::String(changed).to_string()),
            Cow::Borrowed(_) => result.push_str(token),
        }
        rest = after;
    }
    result.push_str(rest);
    result
}

/// Length of the JSON string at the start of the text: up to the first unescaped quotation mark.
fn text_end(json: &str) -> usize {
    let mut is_escaped = false;
    let end = json.bytes().skip(1).position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(json.len(), |end| end + 2)
}

fn number_end(json: &str) -> usize {
    json.find(|c: char| !(c.is_ascii_digit() || "+-.eE".contains(c))).unwrap_or(json.len())
}

/// Replaces the phone numbers in a text.
pub(crate) fn without_numbers<'t>(text: &'t str, key: &PseudonymKey) -> Cow<'t, str> {
    let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
    if !(has_digit || text.contains(WAMID) || text.len() >= SHORTEST_BASE64) {
        return Cow::Borrowed(text);
    }
    let text = if text.contains('%') { without_encoded(text, key) } else { Cow::Borrowed(text) };
    match without_plain(&text, key) {
        Cow::Owned(changed) => Cow::Owned(changed),
        Cow::Borrowed(_) => text,
    }
}

/// Replaces phone numbers in percent-encoded parts of a text. Parts are separated by URL delimiters.
fn without_encoded<'t>(text: &'t str, key: &PseudonymKey) -> Cow<'t, str> {
    let is_delimiter = |c: char| " \"'<>&?=#/;,".contains(c);
    let mut result = String::with_capacity(text.len());
    let mut is_changed = false;
    for part in text.split_inclusive(is_delimiter) {
        let (encoded, delimiter) = match part.char_indices().next_back() {
            Some((at, c)) if is_delimiter(c) => part.split_at(at),
            _ => (part, ""),
        };
        match decoded_without_numbers(encoded, key) {
            Some(changed) => {
                is_changed = true;
                result.extend(utf8_percent_encode(&changed, NON_ALPHANUMERIC));
            }
            None => result.push_str(encoded),
        }
        result.push_str(delimiter);
    }
    if is_changed { Cow::Owned(result) } else { Cow::Borrowed(text) }
}

/// Decodes a text and replaces its phone numbers. `None` if decoding reveals no phone number.
fn decoded_without_numbers(encoded: &str, key: &PseudonymKey) -> Option<String> {
    let mut text = Cow::Borrowed(encoded);
    for _ in 0..MOST_ENCODINGS {
        if !text.contains('%') {
            return None;
        }
        text = Cow::Owned(percent_decode_str(&text).decode_utf8_lossy().into_owned());
        if let Cow::Owned(changed) = without_plain(&text, key) {
            return Some(changed);
        }
    }
    None
}

fn without_plain<'t>(text: &'t str, key: &PseudonymKey) -> Cow<'t, str> {
    let mut finder = Finder { text, key, result: String::new(), copied: 0 };
    finder.replace_tokens();
    let tokens = finder.finish();
    let mut finder = Finder { text: &tokens, key, result: String::new(), copied: 0 };
    finder.replace_digits();
    match finder.finish() {
        Cow::Owned(changed) => Cow::Owned(changed),
        Cow::Borrowed(_) => tokens,
    }
}

/// Copies a text and replaces parts of it.
struct Finder<'t, 'k> {
    text: &'t str,
    key: &'k PseudonymKey,
    result: String,
    /// Number of bytes of the text that were copied to the result or replaced.
    copied: usize,
}

/// A group of digits, by its position in the text.
#[derive(Clone, Copy)]
struct Group {
    start: usize,
    end: usize,
}

impl<'t> Finder<'t, '_> {
    fn finish(mut self) -> Cow<'t, str> {
        if self.copied == 0 {
            return Cow::Borrowed(self.text);
        }
        self.result.push_str(self.text.get(self.copied..).unwrap_or_default());
        Cow::Owned(self.result)
    }

    fn replace(&mut self, start: usize, end: usize, by: &str) {
        self.result.push_str(self.text.get(self.copied..start).unwrap_or_default());
        self.result.push_str(by);
        self.copied = end;
    }

    /// Replaces message ids, and other Base64 that contains a phone number.
    fn replace_tokens(&mut self) {
        let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte);
        let bytes = self.text.as_bytes();
        let mut start = 0;
        while let Some(offset) = bytes.get(start..).and_then(|rest| rest.iter().position(|byte| is_base64(*byte))) {
            start += offset;
            let rest = bytes.get(start..).unwrap_or_default();
            let length = rest.iter().position(|byte| !is_base64(*byte)).unwrap_or(rest.len());
            let padding =
                rest.get(length..).unwrap_or_default().iter().take(2).take_while(|byte| **byte == b'=').count();
            let token = self.text.get(start..start + length).unwrap_or_default();
            let is_wamid = self.text.get(..start).is_some_and(|before| before.ends_with(WAMID));
            if token.len() == HASH_DIGITS && token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                // It was replaced before, or is a hash of another kind.
            } else if is_wamid {
                let hash = self.key.pseudonym(&format!("{WAMID}{token}"));
                self.replace(start, start + length + padding, &hash);
            } else if holds_number(token) {
                let hash = self.key.pseudonym(token);
                self.replace(start, start + length + padding, &hash);
            }
            start += length + padding;
        }
    }

    /// Replaces digits that are phone numbers.
    fn replace_digits(&mut self) {
        let bytes = self.text.as_bytes();
        let mut chain: Vec<Group> = Vec::new();
        let mut at = 0;
        while let Some(offset) = bytes.get(at..).and_then(|rest| rest.iter().position(u8::is_ascii_digit)) {
            let start = at + offset;
            let rest = bytes.get(start..).unwrap_or_default();
            let end = start + rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
            let between = bytes.get(at..start).unwrap_or_default();
            if between.len() > LONGEST_SEPARATOR || !between.iter().all(is_separator) {
                self.replace_chain(&std::mem::take(&mut chain));
            }
            chain.push(Group { start, end });
            at = end;
        }
        self.replace_chain(&chain);
    }

    /// Replaces the phone numbers in groups of digits that are divided only by separators.
    fn replace_chain(&mut self, mut chain: &[Group]) {
        while let Some(in_word) = chain.iter().position(|group| self.is_in_word(*group)) {
            let (before, after) = chain.split_at(in_word);
            self.replace_chain(before);
            chain = after.get(1..).unwrap_or_default();
        }
        while let [first, rest @ ..] = chain {
            if let Some(after) = self.after_date(chain) {
                chain = after;
                continue;
            }
            let is_marked = self.is_marked(*first);
            let zeros = if self.digits(Some(&[*first])).starts_with("00") { 2 } else { 0 };
            let limits = |groups: usize| match (is_marked, groups) {
                (true, _) => MARKED_DIGITS,
                (false, 1) => PLAIN_DIGITS,
                (false, _) => GROUPED_DIGITS,
            };
            // Find the longest sequence of groups that can be one phone number.
            let (mut longest, mut digits) = (None, 0);
            for (count, group) in (1..).zip(chain) {
                digits += group.end - group.start;
                if digits > *MARKED_DIGITS.end() + zeros {
                    break;
                }
                if limits(count).contains(&digits.saturating_sub(zeros)) {
                    longest = Some(count);
                }
            }
            match longest.and_then(|count| chain.split_at_checked(count)) {
                Some((number, after)) if is_marked || !is_time(&self.digits(Some(number)), number.len()) => {
                    self.replace_number(number);
                    chain = after;
                }
                _ => chain = rest,
            }
        }
    }

    fn replace_number(&mut self, number: &[Group]) {
        let ([first, ..], Some(last)) = (number, number.last()) else { return };
        let digits = self.digits(Some(number));
        let digits = digits.strip_prefix("00").unwrap_or(&digits);
        let hash = self.key.pseudonym(digits);
        let start = first.start - usize::from(self.byte_before(first.start) == Some(b'+'));
        self.replace(start.max(self.copied), last.end, &hash);
    }

    fn digits(&self, groups: Option<&[Group]>) -> String {
        groups.unwrap_or_default().iter().filter_map(|group| self.text.get(group.start..group.end)).collect()
    }

    fn byte_before(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at.checked_sub(1)?).copied()
    }

    /// Whether `+` or `00` marks the start of a phone number here.
    fn is_marked(&self, group: Group) -> bool {
        self.byte_before(group.start) == Some(b'+') || self.digits(Some(&[group])).starts_with("00")
    }

    /// Whether digits are part of a word, a UUID or a hexadecimal id.
    fn is_in_word(&self, group: Group) -> bool {
        let word = self.word(group, |byte| byte.is_ascii_alphanumeric());
        if is_uuid(self.word(group, |byte| byte.is_ascii_hexdigit() || byte == b'-')) {
            return true;
        }
        let touches_letter = word.bytes().any(|byte| byte.is_ascii_alphabetic());
        let is_hexadecimal = word.bytes().all(|byte| byte.is_ascii_hexdigit());
        touches_letter && (is_hexadecimal || group.end - group.start < TOUCHING_DIGITS)
    }

    /// The text around a group that consists only of such bytes, up to [`LONGEST_WORD`] bytes on each side.
    fn word(&self, group: Group, is_part: impl Fn(u8) -> bool) -> &'t str {
        let (before, after) = self.text.as_bytes().split_at_checked(group.start).unwrap_or_default();
        let before = before.iter().rev().take(LONGEST_WORD).take_while(|byte| is_part(**byte)).count();
        let length = group.end - group.start;
        let after = after.iter().skip(length).take(LONGEST_WORD).take_while(|byte| is_part(**byte)).count();
        self.text.get(group.start - before..group.end + after).unwrap_or_default()
    }

    /// The groups that follow a leading date, such as 2026-11-20, 20261120 or 20261120101500. `None` if there is no
    /// date.
    fn after_date<'g>(&self, groups: &'g [Group]) -> Option<&'g [Group]> {
        let digits: String = self.digits(groups.get(..groups.len().min(3)));
        let lengths: Vec<usize> = groups.iter().take(3).map(|group| group.end - group.start).collect();
        match lengths.as_slice() {
            [4, 1..=2, 1..=2] if is_year(&digits) => groups.get(3..),
            [8 | 14, ..] if is_day(digits.get(..8)?) => groups.get(1..),
            _ => None,
        }
    }
}

/// Whether a text has the form of a UUID: 8, 4, 4, 4 and 12 digits.
fn is_uuid(text: &str) -> bool {
    text.split('-').map(str::len).eq([8, 4, 4, 4, 12])
}

fn is_year(digits: &str) -> bool {
    digits.starts_with("19") || digits.starts_with("20")
}

/// Whether eight digits are a date, such as 20261120.
fn is_day(digits: &str) -> bool {
    let number = |range| digits.get(range).and_then(|text: &str| text.parse().ok()).unwrap_or(0);
    is_year(digits) && (1..=12).contains(&number(4..6)) && (1..=31).contains(&number(6..8))
}

/// Whether one group of digits is a Unix time in seconds or milliseconds from 2014 on. No phone number with its
/// country code has this form: numbers with country code 1 have eleven digits.
fn is_time(digits: &str, groups: usize) -> bool {
    groups == 1 && matches!(digits.len(), 10 | 13) && ("14"..="19~").contains(&digits)
}

/// Whether a byte may separate the digit groups of a phone number. A no-break space is 0xc2 0xa0 in UTF-8.
fn is_separator(byte: &u8) -> bool {
    b" -().+/\xc2\xa0".contains(byte)
}

/// Whether Base64 contains a phone number: ASCII digits between other bytes.
fn holds_number(token: &str) -> bool {
    token.len() >= SHORTEST_BASE64
        && !token.bytes().all(|byte| byte.is_ascii_digit())
        // A slash may be a Base64 digit or the end of a URL segment, so both readings are decoded.
        && token.split('/').chain([token]).any(|token| [&STANDARD, &URL_SAFE].iter().any(|alphabet| {
            let config = GeneralPurposeConfig::new()
                .with_decode_padding_mode(DecodePaddingMode::Indifferent)
                .with_decode_allow_trailing_bits(true);
            // A single character left over after the groups of four encodes no byte.
            let whole = token.get(..token.len() - usize::from(token.len() % 4 == 1)).unwrap_or(token);
            let bytes = GeneralPurpose::new(alphabet, config).decode(whole).unwrap_or_default();
            bytes.split(|byte| !byte.is_ascii_digit()).any(|digits| MARKED_DIGITS.contains(&digits.len()))
        }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> PseudonymKey {
        PseudonymKey::new(b"a key").unwrap()
    }

    #[test]
    fn a_number_in_any_spelling_becomes_its_hash() {
        let hash = key().pseudonym("491701234567");
        for (text, expected) in [
            ("491701234567", "#"),
            ("+491701234567", "#"),
            ("+49 170 1234567", "#"),
            ("0049 170-123 45 67", "#"),
            ("call (49) 170.1234567 now", "call (# now"),
            ("491701234567:12@s.whatsapp.net", "#:12@s.whatsapp.net"),
            ("true_491701234567@c.us_3EB0123456789", "true_#@c.us_3EB0123456789"),
            ("https://wa.me/491701234567?text=x", "https://wa.me/#?text=x"),
            ("https://example.com/?to=%2B49%20170%201234567&x=1", "https://example.com/?to=#&x=1"),
            ("https://example.com/?to=%252B491701234567", "https://example.com/?to=#"),
            ("a=+49+170+1234567", "a=#"),
            ("49\u{a0}170\u{a0}1234567", "#"),
            ("on 2026-11-20 491701234567", "on 2026-11-20 #"),
            ("tel491701234567", "tel#"),
            ("491701234567 2026", "# 2026"),
            ("491701234567-1500000000@g.us", "#-1500000000@g.us"),
        ] {
            assert_eq!(without_numbers(text, &key()), expected.replace('#', &hash), "{text}");
        }
        assert_ne!(without_numbers("NDkxNzAxMjM0NTY3", &key()), "NDkxNzAxMjM0NTY3", "Base64 of the digits");
    }

    #[test]
    fn json_stays_json() {
        let json = r#"{"491701234567":[491701234567,-1.5e3,"a\"+49 170 1234567\\"],"n":12,"t":1795168800}"#;
        let hash = key().pseudonym("491701234567");
        let expected =
            serde_json::json!({ &hash: [&hash, -1.5e3, format!("a\"{hash}\\")], "n": 12, "t": 1_795_168_800 });
        let changed = json_without_numbers(json, &key());
        assert_eq!(serde_json::from_str::<serde_json::Value>(&changed).unwrap(), expected, "{changed}");
        assert_eq!(json_without_numbers("no JSON 491701234567", &key()), format!("no JSON {hash}"));
    }

    #[test]
    fn ids_of_messages_are_equal_in_every_encoding() {
        let id = "wamid.HBgMNDkxNzAxMjM0NTY3FQIAERgSQjYxRjk5RDBFMkJDQkY5NEY4AA";
        let hashed = format!("wamid.{}", key().pseudonym(id));
        assert_eq!(without_numbers(id, &key()), hashed);
        assert_eq!(without_numbers(&hashed, &key()), hashed, "a second time changes nothing");
        assert_eq!(without_numbers(&format!("{id}=="), &key()), hashed);
        let url = without_numbers(&format!("https://example.com/{id}%3D%3D/x"), &key()).into_owned();
        assert_eq!(percent_decode_str(&url).decode_utf8().unwrap(), format!("https://example.com/{hashed}/x"));
    }

    /// With quadratic run time these texts would take hours.
    #[test]
    fn long_texts_are_searched_in_linear_time() {
        for piece in ["1 ", "a1", "1-", "%31", "1/a", "+1", "0", "wamid.1 "] {
            let text = piece.repeat(200_000);
            assert!(!without_numbers(&text, &key()).is_empty(), "{piece}");
        }
    }

    #[test]
    fn other_texts_stay() {
        for text in [
            "",
            "promo_20261120",
            "Sale 2026-11-20",
            "2026-11-20T10:15:00Z",
            "1795168800",
            "1795168800123",
            "102290129340398",
            "US.13491208655302741918",
            "120363041234567890@g.us",
            "550e8400-e29b-41d4-a716-446655440000",
            "0f0f1234567890ab0f0f1234567890ab",
            "12345 of 67",
            "3EB0123456789",
            "T20261120101500",
            "eyJhbGciOiJIUzI1NiJ9",
            "summer_sale_offer_for_you",
        ] {
            assert_eq!(without_numbers(text, &key()), text);
        }
    }
}
