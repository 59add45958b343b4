//! Erasure of persons.
//!
//! [`list`] is the list of erasures, with keyed hashes instead of numbers; [`stored`] reads it. [`matching`] finds the
//! rows of the persons on it. [`request`] removes the rows and confirms that none can come back. Every commit checks
//! the list, so a replay cannot re-insert an erased person.

mod list;
mod matching;
mod numbers;
mod person;
mod request;
mod stored;

pub use matching::Erasures;
pub use person::Person;
pub use request::{EraseReport, ErasureState, RemainingCopy};
