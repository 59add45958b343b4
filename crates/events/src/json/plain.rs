//! The fast parser: one pass over the bytes, without errors to explain. It gives up at the first byte that is not
//! valid JSON; then [`super::tolerant`] decides.

use super::builder::{Arena, Builder, Spent};
use super::number::Number;
use super::{Json, Member};
use crate::words::find_special;

/// How deeply values may be nested. Webhooks use fewer than 20 levels; [`super::tolerant`] accepts 127.
const MAX_DEPTH: usize = 64;

/// Memory limit for the nodes, in bytes. It is lower than that of [`super::tolerant`], so that a text which both parse
/// needs little more memory than one that only one parses.
const MAX_PLAIN_TREE_BYTES: usize = 8 << 20;

/// Maximum number of digits of an integer that is parsed here. Any such number fits in 64 bits.
const MAX_DIGITS: usize = 18;

/// Parses a text whose nodes may take this many bytes. `None` if the text is not valid or its nodes exceed a limit.
pub(super) fn parse<'a>(arena: &'a Arena, text: &'a str, bytes: usize) -> Option<Json<'a>> {
    let builder = Builder::new(arena, bytes.min(MAX_PLAIN_TREE_BYTES));
    let mut parser = Parser { text, bytes: text.as_bytes(), at: 0, builder, decoded: String::new() };
    let json = parser.value(0)?;
    parser.skip_white_space();
    (parser.at == text.len()).then_some(json)
}

struct Parser<'a> {
    text: &'a str,
    /// The bytes of `text`.
    bytes: &'a [u8],
    /// Position of the next byte.
    at: usize,
    builder: Builder<'a>,
    /// Buffer for strings with escapes.
    decoded: String,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_white_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// The next byte after white space. It is consumed.
    #[inline]
    fn token(&mut self) -> Option<u8> {
        if self.peek()? <= b' ' {
            self.skip_white_space();
        }
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn value(&mut self, depth: usize) -> Option<Json<'a>> {
        let mut value = None;
        self.put_value(depth, |_, json| {
            value = Some(json);
            Ok(())
        })?;
        value
    }

    /// Parses a value, and passes it on. Each kind of value is passed from registers to its place. Through a variable of
    /// type `Json` it would be copied in memory, which takes longer than all else here.
    #[inline(always)]
    fn put_value(
        &mut self,
        depth: usize,
        put: impl FnOnce(&mut Builder<'a>, Json<'a>) -> Result<(), Spent>,
    ) -> Option<()> {
        let put = match self.token()? {
            b'"' => {
                let text = self.string()?;
                put(&mut self.builder, Json::String(text))
            }
            b'{' => {
                let members = self.object(depth + 1)?;
                put(&mut self.builder, Json::Object(members))
            }
            b'[' => {
                let items = self.list(depth + 1)?;
                put(&mut self.builder, Json::Array(items))
            }
            b't' => {
                self.literal("rue")?;
                put(&mut self.builder, Json::Bool(true))
            }
            b'f' => {
                self.literal("alse")?;
                put(&mut self.builder, Json::Bool(false))
            }
            b'n' => {
                self.literal("ull")?;
                put(&mut self.builder, Json::Null)
            }
            b'-' | b'0'..=b'9' => {
                let number = self.number()?;
                put(&mut self.builder, Json::Number(number))
            }
            _ => return None,
        };
        put.ok()
    }

    /// Skips the rest of a literal.
    fn literal(&mut self, rest: &str) -> Option<()> {
        let end = self.at + rest.len();
        let is_literal = self.bytes.get(self.at..end)? == rest.as_bytes();
        self.at = end;
        is_literal.then_some(())
    }

    fn list(&mut self, depth: usize) -> Option<&'a [Json<'a>]> {
        if depth > MAX_DEPTH {
            return None;
        }
        let begin = self.builder.begin_list();
        self.skip_white_space();
        if self.peek()? == b']' {
            self.at += 1;
            return Some(self.builder.list(begin));
        }
        loop {
            self.put_value(depth, |builder, item| builder.item(begin, item))?;
            match self.token()? {
                b',' => {}
                b']' => return Some(self.builder.list(begin)),
                _ => return None,
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<&'a [Member<'a>]> {
        if depth > MAX_DEPTH {
            return None;
        }
        let begin = self.builder.begin_object();
        let mut first = self.token()?;
        if first == b'}' {
            return Some(self.builder.object(begin));
        }
        loop {
            let name = self.name(first)?;
            self.put_value(depth, |builder, value| builder.member(begin, name, value))?;
            match self.token()? {
                b',' => first = self.token()?,
                b'}' => return Some(self.builder.object(begin)),
                _ => return None,
            }
        }
    }

    /// Parses the name of a member and the colon after it. The first byte was consumed.
    #[inline]
    fn name(&mut self, first: u8) -> Option<&'a str> {
        if first != b'"' {
            return None;
        }
        let name = self.string()?;
        (self.token()? == b':').then_some(name)
    }

    /// Parses a string whose quotation mark was consumed.
    fn string(&mut self) -> Option<&'a str> {
        let start = self.at;
        let mut has_escape = false;
        loop {
            self.at = find_special(self.bytes, self.at)?;
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    has_escape = true;
                    self.at += 2;
                }
                _ => return None,
            }
        }
        let text = self.text.get(start..self.at)?;
        self.at += 1;
        if has_escape { self.decode(text) } else { Some(text) }
    }

    fn decode(&mut self, mut text: &str) -> Option<&'a str> {
        self.decoded.clear();
        while let Some((before, escape)) = text.split_once('\\') {
            self.decoded.push_str(before);
            let (decoded, after) = decode_escape(escape)?;
            self.decoded.push(decoded);
            text = after;
        }
        self.decoded.push_str(text);
        self.builder.text(&self.decoded).ok()
    }

    /// Parses a number whose first byte was consumed.
    fn number(&mut self) -> Option<Number> {
        let start = self.at - 1;
        let rest = self.bytes.get(start..)?;
        let is_negative = rest.first() == Some(&b'-');
        let digits = rest.get(usize::from(is_negative)..)?;
        let length = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
        let is_fraction = matches!(digits.get(length), Some(b'.' | b'e' | b'E'));
        let starts_with_zero = digits.first() == Some(&b'0');
        if is_fraction || starts_with_zero || length == 0 || length > MAX_DIGITS {
            return self.odd_number(start);
        }
        let digits = digits.get(..length)?;
        let value = digits.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0'));
        self.at = start + usize::from(is_negative) + length;
        Some(if is_negative { Number::from(-i64::try_from(value).ok()?) } else { Number::from(value) })
    }

    /// Parses a number that is not a short integer.
    fn odd_number(&mut self, start: usize) -> Option<Number> {
        let rest = self.text.get(start..)?;
        let is_part = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
        let number = rest.get(..rest.find(|c| !is_part(c)).unwrap_or(rest.len()))?;
        self.at = start + number.len();
        let number: serde_json::Number = serde_json::from_str(number).ok()?;
        let integer = number.as_i64().map(Number::from).or_else(|| number.as_u64().map(Number::from));
        integer.or_else(|| Number::from_f64(number.as_f64()?))
    }
}

/// Decodes an escape without its backslash. Returns the character and the text after the escape.
fn decode_escape(escape: &str) -> Option<(char, &str)> {
    let (kind, after) = escape.split_at_checked(1)?;
    let decoded = match kind {
        "\"" | "\\" | "/" => kind.chars().next()?,
        "b" => '\u{8}',
        "f" => '\u{c}',
        "n" => '\n',
        "r" => '\r',
        "t" => '\t',
        "u" => return decode_unicode(after),
        _ => return None,
    };
    Some((decoded, after))
}

/// Decodes four hexadecimal digits, or two such code units that are a surrogate pair. `None` for a lone surrogate.
fn decode_unicode(text: &str) -> Option<(char, &str)> {
    let (unit, after) = code_unit(text)?;
    if !(0xD800..0xDC00).contains(&unit) {
        return Some((char::from_u32(unit)?, after));
    }
    let (low, after) = code_unit(after.strip_prefix("\\u")?)?;
    if !(0xDC00..0xE000).contains(&low) {
        return None;
    }
    Some((char::from_u32(0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00))?, after))
}

fn code_unit(text: &str) -> Option<(u32, &str)> {
    let (digits, after) = text.split_at_checked(4)?;
    let is_number = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    Some((u32::from_str_radix(digits, 16).ok().filter(|_| is_number)?, after))
}
