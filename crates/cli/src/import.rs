//! History of other systems as webhooks: each row of an export becomes the bodies that reported its events.
//!
//! The bodies then go the way of every webhook, so an imported event and its live webhook agree in ids and columns.

pub(crate) mod sources;
pub(crate) mod table;
