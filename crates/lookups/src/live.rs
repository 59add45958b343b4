//! The store as webhooks and look-ups use it: within a time budget, so that a fault of the store
//! delays no request for long.

use std::sync::Arc;
use std::time::Duration;

use crate::answers;
use crate::fact::{EARLIEST_EVENT_MS, MAX_ID_BYTES};
use crate::filter::{Filter, Position};
use crate::store::{Entry, LookupStore, StoreError};
use crate::updates::Updates;

/// Longest time that a webhook waits for the store, if nothing else is set.
pub const FEED_BUDGET: Duration = Duration::from_millis(150);

/// Longest time that a look-up waits for the store.
pub const ASK_BUDGET: Duration = Duration::from_millis(2_500);

/// A store, each call of which ends within its time budget.
#[derive(Clone)]
pub struct Lookups {
    items: Arc<dyn LookupStore>,
    feed_budget: Duration,
    first_event_ms: i64,
}

/// What became of the updates of a webhook.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fed {
    /// Messages whose items have taken the updates.
    pub applied: u64,
    /// Messages whose items may lack them until the transform applies them.
    pub missed: u64,
    /// The items after the updates; none where some were missed.
    pub entries: Vec<Entry>,
}

impl Lookups {
    /// Look-ups in `store`.
    pub fn new(store: Arc<dyn LookupStore>) -> Self {
        Self { items: store, feed_budget: FEED_BUDGET, first_event_ms: EARLIEST_EVENT_MS }
    }

    /// The same look-ups, with another time that a webhook waits for the store at most.
    #[must_use]
    pub fn with_feed_budget(self, feed_budget: Duration) -> Self {
        Self { feed_budget, ..self }
    }

    /// The same look-ups of a lake whose first day begins at this time (milliseconds since 1970): earlier events are not
    /// applied.
    #[must_use]
    pub fn with_first_event(self, first_event_ms: i64) -> Self {
        Self { first_event_ms, ..self }
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn LookupStore> {
        &self.items
    }

    /// Applies what newline-terminated records say, within the budget. Never fails: what is missed is applied later,
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

    /// The answer to a look-up of message ids.
    ///
    /// # Errors
    /// The store's, also where it gives no answer within [`ASK_BUDGET`].
    pub async fn statuses(&self, message_ids: &[String]) -> Result<serde_json::Value, StoreError> {
        // What no item can have for its id, some stores refuse to look for.
        let is_id = |id: &&String| (1..=MAX_ID_BYTES).contains(&id.len());
        let message_ids: Vec<String> = message_ids.iter().filter(is_id).cloned().collect();
        Ok(answers::statuses(&within(ASK_BUDGET, self.items.get(&message_ids)).await?))
    }

    /// The answer that lists messages: a page of [`answers::PAGE`], the message sent last first.
    ///
    /// # Errors
    /// As those of [`Lookups::statuses`].
    pub async fn logs(&self, filter: &Filter, after: Option<&Position>) -> Result<serde_json::Value, StoreError> {
        Ok(answers::logs(&within(ASK_BUDGET, self.items.list(filter, after, answers::PAGE + 1)).await?))
    }

    /// The answer with the message sent last, or null.
    ///
    /// # Errors
    /// As those of [`Lookups::statuses`].
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
