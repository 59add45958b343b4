//! Facts: flattened records, as far as look-ups need them, and what each adds to an item.

use std::cmp::Reverse;

use serde::Deserialize;

use crate::item::Item;
use crate::registers::{First, Smallest};

/// Kinds of clicks that count for CTR (docs/metrics.md, part 3).
const CLICK_KINDS: [&str; 5] = ["button_reply", "list_reply", "flow_reply", "quick_reply", "link_click"];

/// Statuses that say that a message was sent; all others are receipts (docs/metrics.md, part 2).
const ORIGINS: [&str; 7] = ["accepted", "pending", "queued", "enqueued", "submitted", "sent", "failed"];

/// Interakt reports a tap on a template's button twice without a common id: by `message_api_clicked` or another event,
/// and by this one.
const ECHO_SOURCE: &str = "message_received";

/// Rank of the values of a send without `sent_at`, whose event time is its time of receipt. The lowest rank wins, so
/// every send with `sent_at` takes precedence.
const UNTIMED_SEND: i64 = i64::MAX - 1;

/// Rank of the template name in a status: every send takes precedence.
const STATUS: i64 = i64::MAX;

/// 2009-01-01 UTC: the lake rejects what is older. Milliseconds since 1970.
const EARLIEST_EVENT_MS: i64 = 1_230_768_000_000;

/// The lake rejects a record whose event time is later than its time of receipt by more than this. Milliseconds.
const FUTURE_TOLERANCE_MS: i64 = 24 * 3600 * 1000;

/// A record, as far as look-ups need it: its table, and the columns by their names in the lake. What is missing is
/// unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Fact {
    /// `statuses`, `sends`, `clicks`, `messages`; other tables tell nothing of a message of the business.
    pub table: String,
    /// When it happened: milliseconds since 1970, UTC.
    pub event_ts: i64,
    /// When the webhook was received: milliseconds since 1970, UTC.
    pub received_at: i64,
    /// The message that a status, send or click is about.
    pub message_id: Option<String>,
    /// The message that an inbound message quotes.
    pub context_message_id: Option<String>,
    /// The status.
    pub status: Option<String>,
    /// The kind of a click.
    pub kind: Option<String>,
    /// The type of an inbound message.
    pub r#type: Option<String>,
    /// Who told us.
    pub provider: Option<String>,
    /// The provider's own name of the event that reported a click.
    pub source: Option<String>,
    /// Group to which a message went.
    pub group_id: Option<String>,
    /// Phone number of the person: digits only, or its keyed hash.
    pub wa_id: Option<String>,
    /// Business-scoped user id of the person.
    pub user_id: Option<String>,
    /// Member of a group that a status is about.
    pub participant: Option<String>,
    /// Why it failed: Meta's code.
    pub error_code: Option<i64>,
    /// Title of the error.
    pub error_title: Option<String>,
    /// Message of the error.
    pub error_message: Option<String>,
    /// Template.
    pub template_name: Option<String>,
    /// `rsvp`, `travel`, `template`.
    pub message_type: Option<String>,
    /// Whether a send belongs to no event.
    pub standalone: Option<bool>,
    /// Event of the application.
    pub event_id: Option<String>,
    /// Registration of the guest.
    pub event_registration_id: Option<String>,
    /// Guest.
    pub guest_id: Option<String>,
    /// Guest's name.
    pub guest_name: Option<String>,
}

/// What a fact adds to the item of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The message.
    pub message_id: String,
    /// What is to be merged into its item.
    pub item: Item,
}

impl Fact {
    /// Reads a line of NDJSON. `None` if it is no record.
    pub fn from_line(line: &[u8]) -> Option<Self> {
        // serde would also read a JSON array as the struct.
        let is_object = line.trim_ascii_start().starts_with(b"{");
        is_object.then(|| serde_json::from_slice(line).ok()).flatten()
    }

    /// Whether the lake takes a record with these times, too: what it rejects must not be looked up.
    pub fn is_placeable(&self) -> bool {
        self.event_ts >= EARLIEST_EVENT_MS && self.event_ts <= self.received_at.saturating_add(FUTURE_TOLERANCE_MS)
    }

    /// What it adds to an item; `None` if it says nothing of a message of the business.
    pub fn into_update(self) -> Option<Update> {
        let time = self.event_ts;
        let (message_id, mut item) = match self.table.as_str() {
            "statuses" => self.status_update()?,
            "sends" => self.send_update()?,
            "clicks" => self.click_update()?,
            "messages" => {
                let counts = self.r#type.as_deref() != Some("reaction");
                let item = Item { replied_at: time.into(), ..Item::default() };
                (self.context_message_id.filter(|_| counts)?, item)
            }
            _ => return None,
        };
        item.last_fact_at = time.into();
        (!message_id.is_empty()).then_some(Update { message_id, item })
    }

    fn click_update(self) -> Option<(String, Item)> {
        let time = self.event_ts.into();
        let kind = self.kind.filter(|kind| CLICK_KINDS.contains(&kind.as_str()))?;
        let is_echo = self.provider.as_deref() == Some("interakt")
            && self.source.as_deref() == Some(ECHO_SOURCE)
            && matches!(kind.as_str(), "quick_reply" | "button_reply");
        let item = match is_echo {
            true => Item { click_echoed_at: time, ..Item::default() },
            false => Item { clicked_at: time, ..Item::default() },
        };
        Some((self.message_id?, item))
    }

    fn status_update(self) -> Option<(String, Item)> {
        let time = self.event_ts;
        let status = self.status?;
        if status.starts_with("payment_") {
            return None;
        }
        let mut item = Item {
            wa_id: Smallest::stated(self.wa_id),
            user_id: Smallest::stated(self.user_id),
            group_id: Smallest::stated(self.group_id),
            template_name: First::stated(STATUS, self.template_name),
            ..Item::default()
        };
        match status.as_str() {
            "delivered" => item.delivered_at = time.into(),
            "read" | "played" => item.read_at = time.into(),
            "deleted" => item.deleted_at = time.into(),
            "failed" => {
                item.failed_at = time.into();
                item.error_code = First::stated(time, self.error_code.map(|code| code.to_string()));
                item.error_title = First::stated(time, self.error_title);
                item.error_message = First::stated(time, self.error_message);
            }
            _ => {}
        }
        if ORIGINS.contains(&status.as_str()) {
            item.sent_at = time.into();
        }
        Some((self.message_id?, item))
    }

    fn send_update(self) -> Option<(String, Item)> {
        // The send with the latest `sent_at` has the lowest rank and wins. Without `sent_at` the event time is the time
        // of receipt.
        let rank = if self.event_ts == self.received_at { UNTIMED_SEND } else { -self.event_ts };
        let item = Item {
            sent_at: self.event_ts.into(),
            wa_id: Smallest::stated(self.wa_id),
            template_name: First::stated(rank, self.template_name),
            message_type: First::stated(rank, self.message_type),
            standalone: First::stated(rank, self.standalone.map(Reverse)),
            event_id: First::stated(rank, self.event_id),
            registration_id: First::stated(rank, self.event_registration_id),
            guest_id: First::stated(rank, self.guest_id),
            guest_name: First::stated(rank, self.guest_name),
            ..Item::default()
        };
        Some((self.message_id?, item))
    }
}
