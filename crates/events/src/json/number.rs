//! The numbers of a body.

use std::fmt;

/// A number as JSON states it. Unlike `serde_json::Number` it is [`Copy`], so that a list of values is copied at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    /// An integer that is not negative.
    Unsigned(u64),
    /// A negative integer.
    Negative(i64),
    /// Any other number: a fraction, an exponent, `-0`, or an integer that does not fit in 64 bits. It is finite.
    Float(f64),
}

impl Number {
    /// `None` if this is a fraction or does not fit in 64 bits with a sign.
    pub(crate) fn as_i64(self) -> Option<i64> {
        match self {
            Number::Unsigned(value) => value.try_into().ok(),
            Number::Negative(value) => Some(value),
            Number::Float(_) => None,
        }
    }

    /// `None` if this is a fraction or negative.
    pub(crate) fn as_u64(self) -> Option<u64> {
        match self {
            Number::Unsigned(value) => Some(value),
            Number::Negative(_) | Number::Float(_) => None,
        }
    }

    /// The nearest double.
    pub(crate) fn as_f64(self) -> f64 {
        match self {
            Number::Unsigned(value) => value as f64,
            Number::Negative(value) => value as f64,
            Number::Float(value) => value,
        }
    }

    /// `None` if the double is not finite.
    pub(super) fn from_f64(value: f64) -> Option<Self> {
        value.is_finite().then_some(Number::Float(value))
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Number::Unsigned(value)
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        u64::try_from(value).map_or(Number::Negative(value), Number::Unsigned)
    }
}

/// The text is the same as that of `serde_json`.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Unsigned(value) => value.fmt(f),
            Number::Negative(value) => value.fmt(f),
            Number::Float(value) => match serde_json::Number::from_f64(*value) {
                Some(number) => number.fmt(f),
                None => f.write_str("null"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_and_print_like_those_of_serde_json() {
        for text in ["0", "7", "-1", "18446744073709551615", "9223372036854775808", "-9223372036854775808"] {
            let expected: serde_json::Number = serde_json::from_str(text).unwrap();
            let number = match expected.as_i64() {
                Some(value) => Number::from(value),
                None => Number::from(expected.as_u64().unwrap()),
            };
            assert_eq!(number.to_string(), expected.to_string());
            assert_eq!((number.as_i64(), number.as_u64()), (expected.as_i64(), expected.as_u64()), "{text}");
            assert_eq!(Some(number.as_f64()), expected.as_f64(), "{text}");
        }
        for value in [0.0, -0.0, 0.1, -2.5, 1e21, 1.5e300, 5e-324, f64::MAX] {
            let number = Number::from_f64(value).unwrap();
            assert_eq!(number.to_string(), serde_json::Number::from_f64(value).unwrap().to_string());
            assert_eq!((number.as_i64(), number.as_u64(), number.as_f64()), (None, None, value));
        }
        assert_eq!([f64::NAN, f64::INFINITY].map(Number::from_f64), [None, None]);
    }
}
