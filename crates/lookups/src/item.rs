//! What the store keeps of a message: everything that its row of `message_status` and `message_log` is made of.

use serde::{Deserialize, Serialize};

use crate::registers::{Earliest, First, Last, Latest, Merge};

macro_rules! item {
    ($($(#[$doc:meta])* $field:ident: $type:ty,)*) => {
        /// What is known of one message. Two copies merge to the same item in any order; an item merged with itself stays as it is.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Item {
            $($(#[$doc])* #[serde(skip_serializing_if = "Merge::is_unknown")] pub $field: $type,)*
        }

        impl Merge for Item {
            fn merge(&mut self, other: Self) {
                $(self.$field.merge(other.$field);)*
            }

            fn is_unknown(&self) -> bool {
                $(self.$field.is_unknown())&&*
            }
        }
    };
}

item! {
    /// The earliest fact that says that the message was sent. Without one the id is no known message.
    sent_at: Earliest,
    /// The earliest `delivered`.
    delivered_at: Earliest,
    /// The earliest `read` or `played`.
    read_at: Earliest,
    /// The earliest `failed`.
    failed_at: Earliest,
    /// The earliest `deleted`.
    deleted_at: Earliest,
    /// The earliest click that counts for CTR.
    first_click_at: Earliest,
    /// The earliest inbound message that quotes it, reactions left aside.
    replied_at: Earliest,
    /// Code of the earliest `failed` that has one.
    error_code: First<i64>,
    /// Title of the earliest `failed` that has one.
    error_title: First<String>,
    /// Message of the earliest `failed` that has one.
    error_message: First<String>,
    /// Phone number of the recipient, digits only, or its keyed hash.
    recipient_id: Last<String>,
    /// Template, by what the application sent.
    sent_template: Last<String>,
    /// Template, by the provider's statuses.
    told_template: Last<String>,
    /// `rsvp`, `travel`, `template`.
    message_type: Last<String>,
    /// Whether the send belongs to no event.
    standalone: Last<bool>,
    /// Event of the application.
    event_id: Last<String>,
    /// Registration of the guest.
    registration_id: Last<String>,
    /// Guest.
    guest_id: Last<String>,
    /// Guest's name; dropped where phone numbers are hashed.
    guest_name: Last<String>,
    /// The latest event time of all facts: from it a store counts how long it keeps the item.
    last_fact_at: Latest,
}

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Sent, and nothing else is known.
    Sent,
    /// On a device of the recipient.
    Delivered,
    /// Seen by the recipient.
    Read,
    /// Not delivered.
    Failed,
    /// Taken back by the business.
    Deleted,
}

impl State {
    /// Its name in answers.
    pub const fn name(self) -> &'static str {
        match self {
            State::Sent => "sent",
            State::Delivered => "delivered",
            State::Read => "read",
            State::Failed => "failed",
            State::Deleted => "deleted",
        }
    }
}

impl Item {
    /// Whether some fact says that the message was sent. Only such items are answered.
    pub fn is_message(&self) -> bool {
        !self.sent_at.is_unknown()
    }

    /// The state: by rank, not by the order in which things were told. A click or a reply shows that the message was read.
    pub fn state(&self) -> State {
        let is_read = !(self.read_at.is_unknown() && self.first_click_at.is_unknown() && self.replied_at.is_unknown());
        if !self.deleted_at.is_unknown() {
            State::Deleted
        } else if is_read {
            State::Read
        } else if !self.delivered_at.is_unknown() {
            State::Delivered
        } else if !self.failed_at.is_unknown() {
            State::Failed
        } else {
            State::Sent
        }
    }

    /// The template: what the application says, else what the provider says.
    pub fn template_name(&self) -> Option<&str> {
        self.sent_template.get().or(self.told_template.get()).map(String::as_str)
    }

    /// Whether the message belongs to no event. Unknown counts as false.
    pub fn is_standalone(&self) -> bool {
        self.standalone.get().copied().unwrap_or(false)
    }
}
