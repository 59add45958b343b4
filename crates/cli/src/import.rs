//! Converts the history of other systems to webhooks: each row of an export becomes the bodies that reported its
//! events.
//!
//! The bodies are processed like live webhooks. So an imported event has the same id as its live webhook, and the same
//! columns as far as the export contains their values.

pub(crate) mod sources;
pub(crate) mod table;
