//! The values of an item: state-based CRDTs. Merging is commutative, associative and idempotent, so order, repetition
//! and grouping of merges do not matter.

use serde::{Deserialize, Serialize};

/// A value that can be merged with another copy.
pub trait Merge: PartialEq {
    /// Merges the values of another copy into this one.
    fn merge(&mut self, other: Self);

    /// Whether no value is known.
    fn is_unknown(&self) -> bool;
}

/// The earliest time at which something happened: milliseconds since 1970, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Earliest(Option<i64>);

impl Earliest {
    /// The time; `None` if unknown.
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
    /// The time; `None` if unknown.
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

/// The value of the statement (what one record says about the message) with the lowest rank; among statements of the
/// same rank, the smallest value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct First<T>(Option<(i64, T)>);

impl<T> First<T> {
    /// The value of one statement with this rank. `None` makes no statement.
    pub fn stated(rank: i64, value: Option<T>) -> Self {
        Self(value.map(|value| (rank, value)))
    }

    /// The value; `None` if none was stated.
    pub fn get(&self) -> Option<&T> {
        self.0.as_ref().map(|(_, value)| value)
    }
}

impl<T> Default for First<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Ord> Merge for First<T> {
    fn merge(&mut self, other: Self) {
        self.0 = self.0.take().into_iter().chain(other.0).min();
    }

    fn is_unknown(&self) -> bool {
        self.0.is_none()
    }
}

/// The smallest text among all statements.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Smallest(Option<String>);

impl Smallest {
    /// The text of one statement. `None` makes no statement.
    pub fn stated(text: Option<String>) -> Self {
        Self(text)
    }

    /// The text; `None` if none was stated.
    pub fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl Merge for Smallest {
    fn merge(&mut self, other: Self) {
        self.0 = self.0.take().into_iter().chain(other.0).min();
    }

    fn is_unknown(&self) -> bool {
        self.0.is_none()
    }
}
