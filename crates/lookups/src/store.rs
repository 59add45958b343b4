//! What a store of look-ups can do.

use async_trait::async_trait;

use crate::fact::Update;
use crate::filter::{Filter, Position};
use crate::item::Item;

/// Why a store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store gave no answer, or said that it cannot now: the same call may succeed later.
    #[error("the look-up store cannot be reached or is busy")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store holds something that cannot be read, or is not what was expected: `bluetick lookups rebuild` makes it
    /// anew.
    #[error("the look-up store cannot be used: {0}")]
    Unusable(String),
}

impl StoreError {
    /// An error after which the same call may succeed later.
    pub fn unavailable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(error.into())
    }
}

/// A message and its item.
pub type Entry = (String, Item);

/// A store of items, one a message.
///
/// Applying is commutative and idempotent: an update may be applied late, again, and in any order with others.
#[async_trait]
pub trait LookupStore: Send + Sync {
    /// Merges updates into their items; returns the items as they are now, in the order of the updates. No two updates
    /// are of one message. After an error any of them may have been applied: apply all again.
    async fn apply(&self, updates: Vec<Update>) -> Result<Vec<Entry>, StoreError>;

    /// The items of these messages, in any order; unknown ones are left out.
    async fn get(&self, message_ids: &[String]) -> Result<Vec<Entry>, StoreError>;

    /// The first `limit` messages after a position that meet the filter, the one sent last first.
    async fn list(&self, filter: &Filter, after: Option<&Position>, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// Replaces the item of a message at once, or removes it, if it is still `before`. False if it is not: then nothing
    /// was changed.
    async fn replace(&self, message_id: &str, before: &Item, after: Option<Item>) -> Result<bool, StoreError>;

    /// Removes every item.
    async fn clear(&self) -> Result<(), StoreError>;
}
