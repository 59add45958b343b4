//! The interface of look-up stores.

use async_trait::async_trait;

use crate::fact::Update;
use crate::filter::{Filter, Position};
use crate::item::Item;

/// Why a call to a look-up store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store did not respond or is temporarily unavailable. The same call may succeed later.
    #[error("the look-up store cannot be reached or is busy")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store contains invalid data. `bluetick lookups rebuild` creates it again.
    #[error("the look-up store cannot be used: {0}")]
    Unusable(String),
}

impl StoreError {
    /// Wraps an error after which the same call may succeed later.
    pub fn unavailable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(error.into())
    }
}

/// A message id and the message's item.
pub type Entry = (String, Item);

/// A store with one item per message.
///
/// Applying is commutative and idempotent: an update may be applied late, more than once, and in any order.
#[async_trait]
pub trait LookupStore: Send + Sync {
    /// Merges updates into their items. Returns the merged items in the order of the updates. Each message may occur
    /// in only one update. After an error any of the updates may have been applied: apply all of them again.
    async fn apply(&self, updates: Vec<Update>) -> Result<Vec<Entry>, StoreError>;

    /// Returns the items of these messages in any order. Unknown messages are left out.
    async fn get(&self, message_ids: &[String]) -> Result<Vec<Entry>, StoreError>;

    /// Lists the first `limit` messages after a position that match the filter, starting with the message sent last.
    async fn list(&self, filter: &Filter, after: Option<&Position>, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// Atomically replaces the item of a message, or removes it if `after` is `None`. Returns false and changes
    /// nothing if the item no longer equals `before`.
    async fn replace(&self, message_id: &str, before: &Item, after: Option<Item>) -> Result<bool, StoreError>;

    /// Removes every item.
    async fn clear(&self) -> Result<(), StoreError>;
}
