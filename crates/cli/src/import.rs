//! Converts the history of other systems to webhooks: each row of an export becomes the bodies that reported its
//! events.
//!
//! The bodies are processed like live webhooks, so an imported event and its live webhook have the same ids and
//! columns.

pub(crate) mod sources;
pub(crate) mod table;
