//! The archive: keeps the bodies of authentic requests as they were received, so that a later version can flatten them
//! again (`bluetick reflatten`). It is off unless `ARCHIVE_URL` is set.
//!
//! A body is stored while its records are delivered, within the same time limits. The answer to the sender depends only
//! on the records, not on whether the body is stored.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

use bluetick_events::{ArchivedBody, Options, Route};

use crate::deliver::Delivery;
use crate::firehose::FirehoseClient;

/// Where bodies are kept.
pub struct Archive<C> {
    delivery: Delivery<C>,
    /// Whether a warning has been logged that bodies are not kept because of the pseudonym key.
    has_warned: AtomicBool,
}

impl<C: FirehoseClient> Archive<C> {
    /// Keeps bodies in `delivery`, one line for each (see [`ArchivedBody`]).
    pub fn new(delivery: Delivery<C>) -> Self {
        Self { delivery, has_warned: AtomicBool::new(false) }
    }

    /// Stores a body. Returns whether it is stored. With a pseudonym key no body is stored, because bodies contain
    /// phone numbers, names and texts. `received_at` is in milliseconds since 1970, UTC.
    pub async fn keep(&self, route: Route, body: &[u8], received_at: i64, options: &Options) -> bool {
        if options.pseudonym_key.is_some() {
            if !self.has_warned.swap(true, Ordering::Relaxed) {
                tracing::warn!("PSEUDONYM_KEY is set: no body is archived, because bodies contain phone numbers");
            }
            return false;
        }
        let mut line = Vec::with_capacity(body.len() + body.len() / 4 + 128);
        ArchivedBody { route, received_at, body: Cow::Borrowed(body) }.write_line(&mut line);
        let is_stored = self.delivery.put(&line, received_at).await.is_complete();
        if !is_stored {
            tracing::warn!(
                provider = route.provider().name(),
                "a body is not archived; its records do not depend on it"
            );
        }
        is_stored
    }
}
