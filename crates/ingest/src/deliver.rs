//! Delivery: the sink first, then the spill for what the sink did not take. What neither took is refused, so that the
//! sender retries.

use std::time::Duration;

use crate::file_sink::FileSink;
use crate::firehose::{Firehose, FirehoseClient};
use crate::spill::Spill;

/// Longest time that the spill may take: with [`crate::firehose::BUDGET`] it leaves room under Interakt's 3 s.
pub const SPILL_BUDGET: Duration = Duration::from_millis(1_000);

/// Where records go first.
pub enum Sink<C> {
    /// A delivery stream.
    Firehose(Firehose<C>),
    /// A directory.
    File(FileSink),
}

/// The sink, and the spill behind it.
pub struct Delivery<C> {
    sink: Sink<C>,
    spill: Option<Spill>,
}

/// What became of the lines of one webhook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Lines that the sink took.
    pub accepted: u64,
    /// Firehose records that were sent again.
    pub retried: u64,
    /// Lines that the spill took.
    pub spilled: u64,
    /// Lines that nobody took.
    pub refused: u64,
}

impl Delivered {
    /// Whether every line is safe.
    pub fn is_complete(&self) -> bool {
        self.refused == 0
    }
}

fn count(lines: &[u8]) -> u64 {
    lines.iter().filter(|byte| **byte == b'\n').count() as u64
}

impl<C: FirehoseClient> Delivery<C> {
    /// Delivery to `sink`, and to `spill` what it did not take.
    pub fn new(sink: Sink<C>, spill: Option<Spill>) -> Self {
        Self { sink, spill }
    }

    /// Delivers newline-terminated lines.
    pub async fn put(&self, lines: &[u8]) -> Delivered {
        let total = count(lines);
        if total == 0 {
            return Delivered::default();
        }
        let (unsaved, retried) = match &self.sink {
            Sink::Firehose(firehose) => {
                let outcome = firehose.put(lines).await;
                (outcome.unsaved, outcome.retried)
            }
            Sink::File(file) => match file.put(lines).await {
                Ok(()) => (Vec::new(), 0),
                Err(error) => {
                    tracing::warn!(%error, "the file sink did not take the lines");
                    (lines.to_vec(), 0)
                }
            },
        };
        let left = count(&unsaved);
        let mut delivered = Delivered { accepted: total - left, retried, ..Delivered::default() };
        if left == 0 {
            return delivered;
        }
        match self.spill(&unsaved).await {
            true => delivered.spilled = left,
            false => delivered.refused = left,
        }
        delivered
    }

    async fn spill(&self, lines: &[u8]) -> bool {
        let Some(spill) = &self.spill else {
            tracing::error!("the sink did not take the lines, and SPILL_URL is not set");
            return false;
        };
        match spill.put(lines).await {
            Ok(()) => {
                tracing::warn!("the sink did not take the lines: spilled");
                true
            }
            Err(error) => {
                tracing::error!(%error, cause = ?std::error::Error::source(&error).map(ToString::to_string), "neither the sink nor the spill took the lines");
                false
            }
        }
    }
}
