//! Facts: the fields of a flattened record that look-ups need, and the update that each fact makes to an item.

use std::cmp::Reverse;

use serde::Deserialize;

use crate::item::Item;
use crate::registers::{First, Smallest};
use crate::taps::Tap;

/// Statuses that mean that a message was sent; all others are receipts (docs/metrics.md, part 2).
const ORIGINS: [&str; 7] = ["accepted", "pending", "queued", "enqueued", "submitted", "sent", "failed"];

/// Rank of the values of a corrective send, from which the time of the correction is subtracted: the latest
/// correction has the lowest rank and takes precedence. This and the following ranks are those of `precedence` in
/// `sql/common/message_facts.sql`.
const CORRECTION: i64 = 9_999_999_999_997;

/// Rank of the values of a send that is not a correction.
const SEND: i64 = 9_999_999_999_998;

/// Rank of the template name in a status. Every send takes precedence over it.
const STATUS: i64 = 9_999_999_999_999;

/// 2009-01-01 UTC in milliseconds since 1970. Lakes reject earlier events.
pub const EARLIEST_EVENT_MS: i64 = 1_230_768_000_000;

/// The lake rejects a record whose event time is later than its receipt, and than the transform's clock, by more than
/// this many milliseconds.
const FUTURE_TOLERANCE_MS: i64 = 24 * 3600 * 1000;

/// Maximum bytes of a message id in look-ups. DynamoDB allows keys of 1,024 bytes, and the key is prefixed with a
/// time.
pub(crate) const MAX_ID_BYTES: usize = 1_000;

/// Maximum bytes of a text of an item, and of a text of each of its clicks. With these limits, the largest item, as
/// JSON with every character escaped, stays below DynamoDB's limit of 400 KB.
const MAX_TEXT_BYTES: usize = 1_000;
const MAX_TAP_TEXT_BYTES: usize = 200;

/// The fields of a record that look-ups need: its table, and columns by their names in the lake. Missing columns are
/// unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Fact {
    /// `statuses`, `sends`, `clicks` or `messages`. Rows of other tables do not refer to business messages.
    pub table: String,
    /// Event time in milliseconds since 1970, UTC.
    pub event_ts: i64,
    /// Time at which the webhook was received, in milliseconds since 1970, UTC.
    pub received_at: i64,
    /// Time at which a send was corrected by this statement, in milliseconds since 1970, UTC.
    pub updated_at: Option<i64>,
    /// Id of the message that a status, send or click refers to.
    pub message_id: Option<String>,
    /// Id of the message that an inbound message quotes.
    pub context_message_id: Option<String>,
    /// Delivery status, as `statuses.status`.
    pub status: Option<String>,
    /// Kind of the click, as `clicks.kind`.
    pub kind: Option<String>,
    /// Id of the click.
    pub click_id: Option<String>,
    /// Label of the clicked button.
    pub button_text: Option<String>,
    /// Type of an inbound message.
    pub r#type: Option<String>,
    /// The provider that reported the record.
    pub provider: Option<String>,
    /// The provider's name of the event that reported a click.
    pub source: Option<String>,
    /// Id of the group to which a message was sent.
    pub group_id: Option<String>,
    /// Phone number of the person: digits only, or its keyed hash.
    pub wa_id: Option<String>,
    /// Business-scoped user id of the person.
    pub user_id: Option<String>,
    /// Meta's error code of a failed message.
    pub error_code: Option<i64>,
    /// Title of the error.
    pub error_title: Option<String>,
    /// Message of the error.
    pub error_message: Option<String>,
    /// Name of the template.
    pub template_name: Option<String>,
    /// Type of the message: `rsvp`, `travel` or `template`.
    pub message_type: Option<String>,
    /// Whether a send belongs to no event of the application.
    pub standalone: Option<bool>,
    /// Id of the application's event.
    pub event_id: Option<String>,
    /// Id of the guest's registration.
    pub event_registration_id: Option<String>,
    /// Id of the guest.
    pub guest_id: Option<String>,
    /// Name of the guest.
    pub guest_name: Option<String>,
}

/// The changes that a fact makes to the item of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// Id of the message.
    pub message_id: String,
    /// The values to merge into the message's item.
    pub item: Item,
}

impl Fact {
    /// Parses a line of NDJSON. `None` if it is not a valid record.
    pub fn from_line(line: &[u8]) -> Option<Self> {
        // serde would also accept a JSON array for the struct.
        let is_object = line.trim_ascii_start().starts_with(b"{");
        is_object.then(|| serde_json::from_slice(line).ok()).flatten()
    }

    /// Whether the lake accepts a record with these times at the moment of its receipt. Look-ups must not show records
    /// that the lake rejects. `first_event_ms` is the start of the lake's first day, in milliseconds since 1970.
    ///
    /// If the receiver's clock is slow, the lake also accepts records for which this function returns false, because
    /// the transform compares with its own clock. The transform then feeds the look-up store with them.
    pub fn is_placeable(&self, first_event_ms: i64) -> bool {
        self.event_ts >= first_event_ms && self.event_ts <= self.received_at.saturating_add(FUTURE_TOLERANCE_MS)
    }

    /// Returns the id of the business message that the fact refers to, even if the fact adds nothing to its item.
    pub fn into_message_id(self) -> Option<String> {
        if self.table == "messages" { self.context_message_id } else { self.message_id }
    }

    /// Converts the fact to an update. `None` if it does not refer to a business message, or if the message id is
    /// longer than 1,000 bytes. Other texts are truncated to 1,000 bytes, those of clicks to 200 bytes.
    pub fn into_update(mut self) -> Option<Update> {
        let time = self.event_ts;
        self.cut_texts();
        let (message_id, mut item) = match self.table.as_str() {
            "statuses" => self.status_update()?,
            "sends" => self.send_update()?,
            "clicks" => {
                let item = Item { taps: self.tap().into(), ..Item::default() };
                (self.message_id?, item)
            }
            "messages" => {
                let counts = self.r#type.as_deref() != Some("reaction");
                let item = Item { replied_at: time.into(), ..Item::default() };
                (self.context_message_id.filter(|_| counts)?, item)
            }
            _ => return None,
        };
        item.first_fact_at = time.into();
        item.last_fact_at = time.into();
        (1..=MAX_ID_BYTES).contains(&message_id.len()).then_some(Update { message_id, item })
    }

    /// Truncates texts that are longer than a store accepts.
    fn cut_texts(&mut self) {
        let longest = if self.table == "clicks" { MAX_TAP_TEXT_BYTES } else { MAX_TEXT_BYTES };
        let texts = [
            &mut self.click_id,
            &mut self.button_text,
            &mut self.provider,
            &mut self.source,
            &mut self.kind,
            &mut self.group_id,
            &mut self.wa_id,
            &mut self.user_id,
            &mut self.error_title,
            &mut self.error_message,
            &mut self.template_name,
            &mut self.message_type,
            &mut self.event_id,
            &mut self.event_registration_id,
            &mut self.guest_id,
            &mut self.guest_name,
        ];
        for text in texts.into_iter().flatten() {
            text.truncate(text.floor_char_boundary(longest));
        }
    }

    fn tap(&self) -> Tap {
        let text = |text: &Option<String>| Smallest::stated(text.clone());
        Tap {
            at: self.event_ts,
            id: self.click_id.clone().unwrap_or_default(),
            kind: text(&self.kind),
            provider: text(&self.provider),
            source: text(&self.source),
            wa_id: text(&self.wa_id),
            label: text(&self.button_text),
        }
    }

    fn status_update(self) -> Option<(String, Item)> {
        let time = self.event_ts;
        let status = self.status?;
        if status.starts_with("payment_") {
            return None;
        }
        let mut item = Item {
            reported_at: time.into(),
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
        let rank = self.updated_at.map_or(SEND, |time| CORRECTION.saturating_sub(time));
        let item = Item {
            reported_at: self.event_ts.into(),
            sent_at: self.event_ts.into(),
            wa_id: Smallest::stated(self.wa_id),
            user_id: Smallest::stated(self.user_id),
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
