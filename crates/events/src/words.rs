//! Searches of bytes, eight at a time. Most texts of a webhook are too short for the searches of libraries to pay.

const ONES: u64 = u64::MAX / 0xFF;
const HIGH_BITS: u64 = ONES << 7;

/// The high bit of each byte of `word` that equals `byte`. Only the lowest such bit is certain; without such a byte the
/// result is 0.
const fn equal(word: u64, byte: u8) -> u64 {
    let difference = word ^ (ONES * byte as u64);
    difference.wrapping_sub(ONES) & !difference & HIGH_BITS
}

/// As [`equal`], for the bytes that JSON does not allow in a string: quotation marks, backslashes, control characters.
const fn special(word: u64) -> u64 {
    let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH_BITS;
    control | equal(word, b'"') | equal(word, b'\\')
}

const fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..0x20)
}

/// The position of the first byte from `at` on that JSON does not allow in a string: a quotation mark, a backslash or a
/// control character.
#[inline]
pub(crate) fn find_special(bytes: &[u8], mut at: usize) -> Option<usize> {
    while let Some(chunk) = bytes.get(at..)?.first_chunk::<8>() {
        let found = special(u64::from_le_bytes(*chunk));
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    bytes.get(at..)?.iter().position(|byte| is_special(*byte)).map(|offset| at + offset)
}

/// Whether JSON does not allow a byte of this text in a string without an escape.
#[inline]
pub(crate) fn needs_escape(text: &str) -> bool {
    any(text.as_bytes(), special, is_special)
}

/// Whether a text contains an ASCII character.
#[inline]
pub(crate) fn contains(text: &str, character: u8) -> bool {
    any(text.as_bytes(), |word| equal(word, character), |byte| byte == character)
}

/// Whether a byte passes a test. `of_word` is the test of eight bytes: not 0 if one of them passes.
#[inline]
fn any(bytes: &[u8], of_word: impl Fn(u64) -> u64, of_byte: impl Fn(u8) -> bool) -> bool {
    let Some(last) = bytes.last_chunk::<8>() else { return bytes.iter().any(|byte| of_byte(*byte)) };
    let (chunks, _) = bytes.as_chunks::<8>();
    // The last eight bytes overlap the chunks unless these are the whole text.
    let found = chunks
        .iter()
        .fold(of_word(u64::from_le_bytes(*last)), |found, chunk| found | of_word(u64::from_le_bytes(*chunk)));
    found != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_found_at_every_position() {
        for length in 1..40 {
            for position in 0..length {
                for byte in 0..=u8::MAX {
                    let mut bytes = vec![b'x'; length];
                    bytes[position] = byte;
                    let expected = is_special(byte).then_some(position);
                    assert_eq!(find_special(&bytes, 0), expected, "{byte} at {position} of {length}");
                    assert_eq!(find_special(&bytes, position), expected);
                    assert_eq!(find_special(&bytes, position + 1), None);
                    assert_eq!(any(&bytes, special, is_special), expected.is_some());
                    let found = any(&bytes, |word| equal(word, b'J'), |byte| byte == b'J');
                    assert_eq!(found, byte == b'J');
                }
            }
        }
        assert_eq!(find_special(b"", 0), None);
        assert!(!needs_escape("") && !contains("", b'J'));
    }

    #[test]
    fn the_first_of_several_is_found() {
        for (text, expected) in
            [("a\"\u{0}\\\"\u{1f}b", 1), ("\u{1}\u{0}\u{0}\"", 0), ("aaaaaaaaaaaaaaaaaaaaa!#]\\\"", 24)]
        {
            assert_eq!(find_special(text.as_bytes(), 0), Some(expected), "{text:?}");
        }
    }
}
