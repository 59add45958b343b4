//! Updates on their way into a store: one a message, however many facts are known of it.

use std::collections::HashMap;

use crate::fact::{Fact, Update};
use crate::item::Item;
use crate::registers::Merge;

/// Updates by message.
#[derive(Clone, Debug, Default)]
pub struct Updates(HashMap<String, Item>);

impl Updates {
    /// The updates of newline-terminated NDJSON lines that a lake will take whose first day begins at `first_event_ms`
    /// (milliseconds since 1970).
    pub fn from_lines(lines: &[u8], first_event_ms: i64) -> Self {
        let mut updates = Self::default();
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            if let Some(fact) = Fact::from_line(line).filter(|fact| fact.is_placeable(first_event_ms)) {
                updates.push(fact);
            }
        }
        updates
    }

    /// Adds what a fact says of a message of the business, if it says something.
    pub fn push(&mut self, fact: Fact) {
        if let Some(update) = fact.into_update() {
            self.merge(update);
        }
    }

    /// Adds an update.
    pub fn merge(&mut self, update: Update) {
        self.0.entry(update.message_id).or_default().merge(update.item);
    }

    /// Number of messages.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing to apply.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes everything out, in the order of the message ids.
    pub fn take(&mut self) -> Vec<Update> {
        let mut updates: Vec<_> = self.0.drain().map(|(message_id, item)| Update { message_id, item }).collect();
        updates.sort_unstable_by(|one, other| one.message_id.cmp(&other.message_id));
        updates
    }
}
