//! Pending updates for a look-up store: one per message, merged from any number of facts.

use std::collections::HashMap;

use crate::fact::{Fact, Update};
use crate::item::Item;
use crate::registers::Merge;

/// Pending updates by message id.
#[derive(Clone, Debug, Default)]
pub struct Updates(HashMap<String, Item>);

impl Updates {
    /// Collects the updates of newline-terminated NDJSON lines at their receipt. Leaves out records that a lake rejects
    /// at that moment ([`Fact::is_placeable`]). The lake's first day starts at `first_event_ms` (milliseconds since
    /// 1970).
    pub fn from_lines(lines: &[u8], first_event_ms: i64) -> Self {
        let mut updates = Self::default();
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            if let Some(fact) = Fact::from_line(line).filter(|fact| fact.is_placeable(first_event_ms)) {
                updates.push(fact);
            }
        }
        updates
    }

    /// Adds the update of a fact, if the fact refers to a business message.
    pub fn push(&mut self, fact: Fact) {
        if let Some(update) = fact.into_update() {
            self.merge(update);
        }
    }

    /// Merges an update into the pending update of its message.
    pub fn merge(&mut self, update: Update) {
        self.0.entry(update.message_id).or_default().merge(update.item);
    }

    /// Number of messages with a pending update.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no updates.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Removes and returns all updates, ordered by message id.
    pub fn take(&mut self) -> Vec<Update> {
        let mut updates: Vec<_> = self.0.drain().map(|(message_id, item)| Update { message_id, item }).collect();
        updates.sort_unstable_by(|one, other| one.message_id.cmp(&other.message_id));
        updates
    }
}
