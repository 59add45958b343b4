//! Erasure of persons.
//!
//! [`list`] defines the list of erasures, which holds keyed hashes instead of phone numbers; [`stored`] reads it.
//! [`matching`] finds the rows of the listed persons. [`request`] removes these rows and confirms that none can
//! return. Every commit checks the list, so a replay cannot re-insert an erased person.

mod list;
mod matching;
mod numbers;
mod person;
mod request;
mod stored;

pub use matching::Erasures;
pub use person::Person;
pub use request::{EraseReport, ErasureState, RemainingCopy};
