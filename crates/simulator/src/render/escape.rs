//! Meta's JSON format: ASCII only, with escaped slashes.

use std::io;

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

/// Escapes the characters that Meta escapes. A receiver that re-serialises a body before it checks the signature fails.
struct AsciiFormatter;

impl Formatter for AsciiFormatter {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        for character in fragment.chars() {
            match character {
                '/' => writer.write_all(b"\\/")?,
                '<' | '@' | '%' => write!(writer, "\\u{:04X}", u32::from(character))?,
                ' '..='~' => write!(writer, "{character}")?,
                _ => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        write!(writer, "\\u{unit:04x}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Serialises a body in Meta's format.
///
/// # Errors
/// None in practice: every `Value` can be serialised.
pub(crate) fn to_ascii_json(value: &Value) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut bytes, AsciiFormatter))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_reads_back() {
        let value = serde_json::json!({"täxt": "a/b <c> 5% 👍 \"q\" \\ \n"});
        let bytes = to_ascii_json(&value).unwrap();
        assert!(bytes.is_ascii());
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(text.contains("a\\/b \\u003Cc> 5\\u0025 \\ud83d\\udc4d"), "{text}");
        assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), value);
    }
}
