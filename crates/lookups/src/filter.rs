//! Filters and positions for listing messages.

use crate::fact::MAX_ID_BYTES;
use crate::item::{Item, State};

/// Conditions on messages. A message must meet every condition that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Id of the registration.
    pub registration_id: Option<String>,
    /// Id of the event.
    pub event_id: Option<String>,
    /// Id of the guest.
    pub guest_id: Option<String>,
    /// The recipient: a phone number (digits only) or its keyed hash, or a business-scoped user id.
    pub recipient_id: Option<String>,
    /// Name of the template.
    pub template_name: Option<String>,
    /// Whether the message belongs to no event.
    pub standalone: Option<bool>,
    /// Delivery state.
    pub status: Option<State>,
}

/// The index that a store uses to list messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// Index by registration.
    Registration,
    /// Index by guest.
    Guest,
    /// Index by recipient.
    Recipient,
    /// Index by event.
    Event,
    /// Index by template.
    Template,
    /// Index of all messages, or of all standalone ones.
    Standalone,
}

impl Filter {
    /// The most selective index for this filter, and the value to look up in it. The remaining conditions are
    /// compared afterwards.
    pub fn index(&self) -> (Index, Option<&str>) {
        [
            (Index::Registration, &self.registration_id),
            (Index::Guest, &self.guest_id),
            (Index::Recipient, &self.recipient_id),
            (Index::Event, &self.event_id),
            (Index::Template, &self.template_name),
        ]
        .into_iter()
        .find_map(|(index, value)| Some((index, Some(value.as_deref()?))))
        .unwrap_or((Index::Standalone, None))
    }

    /// Whether the item belongs to a known message that meets every condition.
    pub fn matches(&self, item: &Item) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| wanted.is_none() || wanted.as_deref() == found;
        item.is_known()
            && is(&self.registration_id, item.registration_id.get().map(String::as_str))
            && is(&self.event_id, item.event_id.get().map(String::as_str))
            && is(&self.guest_id, item.guest_id.get().map(String::as_str))
            && is(&self.recipient_id, item.recipient_id())
            && is(&self.template_name, item.template_name.get().map(String::as_str))
            && self.standalone.is_none_or(|wanted| wanted == item.is_standalone())
            && self.status.is_none_or(|wanted| wanted == item.state())
    }
}

/// A position in the list of messages. The list starts with the message sent last. Messages sent at the same time are
/// ordered by id; messages without a known time of sending come last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Time of sending in milliseconds since 1970, UTC; 0 if unknown.
    pub sent_at: i64,
    /// Id of the message.
    pub message_id: String,
}

impl Position {
    /// The position of a message.
    pub fn of(message_id: &str, item: &Item) -> Self {
        Self { sent_at: item.sent_at.get().unwrap_or_default(), message_id: message_id.to_owned() }
    }

    /// Encodes the position as the cursor of the next page. It contains only letters and digits, so a URL needs no
    /// escapes.
    pub fn to_cursor(&self) -> String {
        let id: String = self.message_id.bytes().map(|byte| format!("{byte:02x}")).collect();
        format!("{:x}z{id}", self.sent_at)
    }

    /// Decodes a cursor written by [`Position::to_cursor`]. `None` if it is malformed.
    pub fn from_cursor(cursor: &str) -> Option<Self> {
        let (sent_at, id) = cursor.split_once('z')?;
        if id.len() % 2 != 0 || !id.is_ascii() {
            return None;
        }
        let bytes: Option<Vec<u8>> = (0..id.len())
            .step_by(2)
            .map(|at| id.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
            .collect();
        let sent_at = i64::from_str_radix(sent_at, 16).ok().filter(|time| *time >= 0)?;
        let message_id = String::from_utf8(bytes?).ok().filter(|id| id.len() <= MAX_ID_BYTES)?;
        Some(Self { sent_at, message_id })
    }
}
