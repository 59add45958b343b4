//! Repairs errors that senders are known to make and for which a strict parser rejects the whole body.

/// Replaces lone surrogates by U+FFFD, and quotes numbers outside the range of a double. A lone surrogate such as
/// `\ud83d` is half of an emoji: a sender produces it by truncating a text between the emoji's two halves.
pub(super) fn repair(text: &str) -> String {
    let mut repaired = String::with_capacity(text.len() + 16);
    let mut rest = text;
    let mut in_string = false;
    while let Some(next) = rest.chars().next() {
        let taken =
            if in_string { string_piece(rest, next, &mut repaired) } else { plain_piece(rest, next, &mut repaired) };
        if next == '"' {
            in_string = !in_string;
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
    repaired
}

/// Copies the next piece of a string: an escape, a quote, or all characters up to the next of these. Replaces a lone
/// surrogate by U+FFFD. Returns the number of bytes consumed.
fn string_piece(rest: &str, next: char, repaired: &mut String) -> usize {
    if next != '\\' {
        let taken = rest.find(['\\', '"']).unwrap_or(rest.len()).max(next.len_utf8());
        repaired.push_str(rest.get(..taken).unwrap_or_default());
        return taken;
    }
    let pair = rest.get(..12).and_then(|text| Some((unit(text.get(..6)?)?, unit(text.get(6..)?)?)));
    let taken = match (unit(rest.get(..6).unwrap_or_default()), pair) {
        (Some(0xD800..=0xDBFF), Some((_, 0xDC00..=0xDFFF))) => 12,
        (Some(0xD800..=0xDFFF), _) => {
            repaired.push_str("\\ufffd");
            return 6;
        }
        (Some(_), _) => 6,
        (None, _) => 1 + rest.chars().nth(1).map_or(0, char::len_utf8),
    };
    repaired.push_str(rest.get(..taken).unwrap_or_default());
    taken
}

/// Copies a number, or one character, outside strings. Quotes a number outside the range of a double. Returns the number
/// of bytes consumed.
fn plain_piece(rest: &str, next: char, repaired: &mut String) -> usize {
    if !(next.is_ascii_digit() || next == '-') {
        repaired.push(next);
        return next.len_utf8();
    }
    let taken = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c))).unwrap_or(rest.len());
    let number = rest.get(..taken).unwrap_or_default();
    if number.parse::<f64>().is_ok_and(f64::is_infinite) {
        repaired.push('"');
        repaired.push_str(number);
        repaired.push('"');
    } else {
        repaired.push_str(number);
    }
    taken
}

/// The code unit of an escape such as `\u00e4`.
fn unit(escape: &str) -> Option<u16> {
    let digits = escape.strip_prefix("\\u")?;
    if digits.len() != 4 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repairs_only_what_is_broken() {
        let cases = [
            (r#"{"a":"\ud83d"}"#, r#"{"a":"\ufffd"}"#),
            (r#"{"a":"\ud83d\ude00 \\ud83d \ude00"}"#, r#"{"a":"\ud83d\ude00 \\ud83d \ufffd"}"#),
            (r#"{"a":"x\ud83dä\""}"#, r#"{"a":"x\ufffdä\""}"#),
            (r#"{"a":1e999,"b":-12.5e3,"c":"1e999"}"#, r#"{"a":"1e999","b":-12.5e3,"c":"1e999"}"#),
            (r#"["\u00e4\/","\"#, r#"["\u00e4\/","\"#),
            ("", ""),
        ];
        for (broken, expected) in cases {
            assert_eq!(repair(broken), expected, "{broken}");
        }
    }
}
