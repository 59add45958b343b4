//! Look-ups: the current status of single messages, answered from a store that each webhook updates before it is
//! answered, if the store responds in time.
//!
//! The store holds one [`Item`] per message. A record about the message adds an [`Update`] to its item. Updates merge,
//! so late, repeated or reordered updates lead to the same item, which equals the message's row in the SQL queries
//! `message_status` and `message_log`. Ingest updates the store after it has stored the records of a webhook; the
//! transform applies the same records again from the raw objects; a rebuild creates the store from the lake alone.

pub mod address;
pub mod answers;
#[cfg(feature = "dynamodb")]
pub mod dynamodb;
pub mod fact;
pub mod filter;
pub mod item;
pub mod live;
pub mod registers;
pub mod requests;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod store;
pub mod taps;
pub mod updates;

pub use address::Address;
pub use fact::{Fact, Update};
pub use filter::{Filter, Position};
pub use item::{Item, State};
pub use live::Lookups;
pub use registers::Merge;
pub use store::{Entry, LookupStore, StoreError};
pub use updates::Updates;
