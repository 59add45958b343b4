//! Delivers lines to the sink, and to the spill if the sink fails. If both fail, the webhook is rejected so that its
//! sender retries.

use std::time::Duration;

use crate::file_sink::FileSink;
use crate::firehose::{Firehose, FirehoseClient};
use crate::spill::Spill;

/// Maximum time of a write to the spill. The sum with [`crate::firehose::BUDGET`] stays below the 3 s that Interakt
/// waits for a response.
pub const SPILL_BUDGET: Duration = Duration::from_millis(1_000);

/// The primary destination of lines.
pub enum Sink<C> {
    /// A Kinesis Data Firehose delivery stream.
    Firehose(Firehose<C>),
    /// A local directory.
    File(FileSink),
}

/// A sink with an optional spill as fallback.
pub struct Delivery<C> {
    sink: Sink<C>,
    spill: Option<Spill>,
}

/// How many lines of one webhook were stored, and where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Lines that the sink stored.
    pub accepted: u64,
    /// Firehose records sent again, counted once per retry.
    pub retried: u64,
    /// Lines that the spill stored.
    pub spilled: u64,
    /// Lines that were not stored.
    pub refused: u64,
}

impl Delivered {
    /// Whether every line is stored.
    pub fn is_complete(&self) -> bool {
        self.refused == 0
    }
}

fn count(lines: &[u8]) -> u64 {
    lines.iter().filter(|byte| **byte == b'\n').count() as u64
}

impl<C: FirehoseClient> Delivery<C> {
    /// Delivers to `sink`, and to `spill` if the sink fails.
    pub fn new(sink: Sink<C>, spill: Option<Spill>) -> Self {
        Self { sink, spill }
    }

    /// Delivers newline-terminated lines. `received_at` is in milliseconds since 1970, UTC.
    pub async fn put(&self, lines: &[u8], received_at: i64) -> Delivered {
        let total = count(lines);
        if total == 0 {
            return Delivered::default();
        }
        let (unsaved, retried) = match &self.sink {
            // Skip Firehose while the circuit breaker is open. Without a spill there is no alternative, so it is
            // tried anyway.
            Sink::Firehose(firehose) if self.spill.is_some() && firehose.is_open() => (lines.to_vec(), 0),
            Sink::Firehose(firehose) => {
                let outcome = firehose.put(lines).await;
                (outcome.unsaved, outcome.retried)
            }
            Sink::File(file) => match file.put(lines, received_at).await {
                Ok(()) => (Vec::new(), 0),
                Err(error) => {
                    tracing::warn!(%error, "the file sink failed");
                    (lines.to_vec(), 0)
                }
            },
        };
        let left = count(&unsaved);
        let mut delivered = Delivered { accepted: total - left, retried, ..Delivered::default() };
        if left == 0 {
            return delivered;
        }
        match self.spill(&unsaved, received_at).await {
            true => delivered.spilled = left,
            false => delivered.refused = left,
        }
        delivered
    }

    async fn spill(&self, lines: &[u8], received_at: i64) -> bool {
        let Some(spill) = &self.spill else {
            tracing::error!("the sink failed, and there is no spill: the lines are not stored");
            return false;
        };
        match spill.put(lines, received_at).await {
            Ok(()) => {
                tracing::warn!("the sink failed: the lines are stored in the spill");
                true
            }
            Err(error) => {
                tracing::error!(%error, cause = ?std::error::Error::source(&error).map(ToString::to_string), "the sink and the spill failed: the lines are not stored");
                false
            }
        }
    }
}
