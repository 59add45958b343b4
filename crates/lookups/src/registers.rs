//! The values an item is made of. Each merges so that order, repeats and grouping never matter: merging is commutative,
//! associative and idempotent.

use serde::{Deserialize, Serialize};

/// A value that two copies of an item can agree on.
pub trait Merge: PartialEq {
    /// Takes in what another copy knows.
    fn merge(&mut self, other: Self);

    /// Whether nothing is known.
    fn is_unknown(&self) -> bool;
}

/// The earliest time at which something happened: milliseconds since 1970, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Earliest(Option<i64>);

impl Earliest {
    /// The time, if it is known.
    pub fn get(self) -> Option<i64> {
        self.0
    }
}

impl From<i64> for Earliest {
    fn from(time: i64) -> Self {
        Self(Some(time))
    }
}

impl Merge for Earliest {
    fn merge(&mut self, other: Self) {
        self.0 = self.0.into_iter().chain(other.0).min();
    }

    fn is_unknown(&self) -> bool {
        self.0.is_none()
    }
}

/// The latest time at which something happened: milliseconds since 1970, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Latest(Option<i64>);

impl Latest {
    /// The time, if it is known.
    pub fn get(self) -> Option<i64> {
        self.0
    }
}

impl From<i64> for Latest {
    fn from(time: i64) -> Self {
        Self(Some(time))
    }
}

impl Merge for Latest {
    fn merge(&mut self, other: Self) {
        self.0 = self.0.max(other.0);
    }

    fn is_unknown(&self) -> bool {
        self.0.is_none()
    }
}

/// The value that was stated first, with the time of the statement; at the same time the smallest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct First<T>(Option<(i64, T)>);

/// The value that was stated last, with the time of the statement; at the same time the largest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Last<T>(Option<(i64, T)>);

macro_rules! register {
    ($name:ident, $prefer:ident) => {
        impl<T> $name<T> {
            /// What was stated at `time` (milliseconds since 1970, UTC). No value is no statement.
            pub fn stated(time: i64, value: Option<T>) -> Self {
                Self(value.map(|value| (time, value)))
            }

            /// The value, if one was stated.
            pub fn get(&self) -> Option<&T> {
                self.0.as_ref().map(|(_, value)| value)
            }
        }

        impl<T> Default for $name<T> {
            fn default() -> Self {
                Self(None)
            }
        }

        impl<T: Ord> Merge for $name<T> {
            fn merge(&mut self, other: Self) {
                self.0 = match (self.0.take(), other.0) {
                    (Some(one), Some(other)) => Some(one.$prefer(other)),
                    (one, other) => one.or(other),
                };
            }

            fn is_unknown(&self) -> bool {
                self.0.is_none()
            }
        }
    };
}

register!(First, min);
register!(Last, max);
