//! The look-up store with a time budget for each call, as used by webhooks and look-ups. A failing store does not
//! delay requests for long.

use std::sync::Arc;
use std::time::Duration;

use crate::answers;
use crate::fact::{EARLIEST_EVENT_MS, MAX_ID_BYTES};
use crate::filter::{Filter, Position};
use crate::store::{Entry, LookupStore, StoreError};
use crate::updates::Updates;

/// Default of the maximum time that a webhook waits for the store.
pub const FEED_BUDGET: Duration = Duration::from_millis(150);

/// Maximum time that a look-up waits for the store.
pub const ASK_BUDGET: Duration = Duration::from_millis(2_500);

/// A look-up store whose calls end within a time budget.
#[derive(Clone)]
pub struct Lookups {
    items: Arc<dyn LookupStore>,
    feed_budget: Duration,
    first_event_ms: i64,
}

/// Result of applying a webhook's records to the store.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fed {
    /// Number of messages whose items were updated.
    pub applied: u64,
    /// Number of messages whose items may lack the update until the transform applies it.
    pub missed: u64,
    /// The items after the update; empty if any update was missed.
    pub entries: Vec<Entry>,
}

impl Lookups {
    /// Uses `store` with the default budgets.
    pub fn new(store: Arc<dyn LookupStore>) -> Self {
        Self { items: store, feed_budget: FEED_BUDGET, first_event_ms: EARLIEST_EVENT_MS }
    }

    /// The same look-ups with another maximum time that a webhook waits for the store.
    #[must_use]
    pub fn with_feed_budget(self, feed_budget: Duration) -> Self {
        Self { feed_budget, ..self }
    }

    /// The same look-ups for a lake whose first day starts at this time (milliseconds since 1970). Earlier events are
    /// ignored.
    #[must_use]
    pub fn with_first_event(self, first_event_ms: i64) -> Self {
        Self { first_event_ms, ..self }
    }

    /// The underlying store.
    pub fn store(&self) -> &Arc<dyn LookupStore> {
        &self.items
    }

    /// Applies newline-terminated records within the budget. Never fails: the transform applies missed updates later
    /// from the raw objects.
    pub async fn feed(&self, lines: &[u8]) -> Fed {
        let mut updates = Updates::from_lines(lines, self.first_event_ms);
        let count = updates.len() as u64;
        if count == 0 {
            return Fed::default();
        }
        match within(self.feed_budget, self.items.apply(updates.take())).await {
            Ok(entries) => Fed { applied: count, missed: 0, entries },
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, cause, messages = count, "look-ups were not updated: the transform will do it");
                Fed { applied: 0, missed: count, entries: Vec::new() }
            }
        }
    }

    /// Answers a look-up by message ids.
    ///
    /// # Errors
    /// The store failed or did not respond within [`ASK_BUDGET`].
    pub async fn statuses(&self, message_ids: &[String]) -> Result<serde_json::Value, StoreError> {
        // Leave out ids that no item can have, because some stores reject them.
        let is_id = |id: &&String| (1..=MAX_ID_BYTES).contains(&id.len());
        let message_ids: Vec<String> = message_ids.iter().filter(is_id).cloned().collect();
        Ok(answers::statuses(&within(ASK_BUDGET, self.items.get(&message_ids)).await?))
    }

    /// Answers with a page of up to [`answers::PAGE`] messages, the message sent last first.
    ///
    /// # Errors
    /// As for [`Lookups::statuses`].
    pub async fn logs(&self, filter: &Filter, after: Option<&Position>) -> Result<serde_json::Value, StoreError> {
        Ok(answers::logs(&within(ASK_BUDGET, self.items.list(filter, after, answers::PAGE + 1)).await?))
    }

    /// Answers with the message sent last, or null.
    ///
    /// # Errors
    /// As for [`Lookups::statuses`].
    pub async fn latest(&self, filter: &Filter) -> Result<serde_json::Value, StoreError> {
        Ok(answers::latest(within(ASK_BUDGET, self.items.list(filter, None, 1)).await?.first()))
    }
}

async fn within<T>(budget: Duration, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    match tokio::time::timeout(budget, work).await {
        Ok(result) => result,
        Err(_) => Err(StoreError::unavailable(format!("no answer within {} ms", budget.as_millis()))),
    }
}
