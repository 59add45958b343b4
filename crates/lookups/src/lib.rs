//! Look-ups: what became of a message, answered from a store that follows the webhooks within moments.
//!
//! The store holds one [`Item`] a message. A record adds an [`Update`] to it; updates merge, so that late, repeated and
//! reordered feeding ends in the same item, which equals the message's row in the SQL queries `message_status` and
//! `message_log`. Webhooks feed the store when their records are safe; the transform feeds it again from the raw
//! objects; a rebuild makes it from the lake alone.

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
