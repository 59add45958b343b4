//! What the store keeps of a message: everything that its row of `message_status` and `message_log` is made of.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use crate::registers::{Earliest, First, Latest, Merge, Smallest};
use crate::taps::Taps;

macro_rules! item {
    ($($(#[$doc:meta])* $field:ident: $type:ty,)*) => {
        /// What is known of one message. Two copies merge to the same item in any order; an item merged with itself
        /// stays as it is.
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
    /// The earliest send or status, of whatever kind: without one, the message is not known to be the business's.
    reported_at: Earliest,
    /// The earliest send or status that says that the message was sent.
    sent_at: Earliest,
    /// The earliest `delivered`.
    delivered_at: Earliest,
    /// The earliest `read` or `played`.
    read_at: Earliest,
    /// The earliest `failed`.
    failed_at: Earliest,
    /// The earliest `deleted`.
    deleted_at: Earliest,
    /// The clicks on it.
    taps: Taps,
    /// The earliest inbound message that quotes it, reactions left aside.
    replied_at: Earliest,
    /// Code of the earliest `failed` that has one, as text: among those of one time the smallest text counts.
    error_code: First<String>,
    /// Title of the earliest `failed` that has one.
    error_title: First<String>,
    /// Message of the earliest `failed` that has one.
    error_message: First<String>,
    /// Phone number of the recipient, digits only, or its keyed hash.
    wa_id: Smallest,
    /// Business-scoped user id of the recipient.
    user_id: Smallest,
    /// Group to which the message went.
    group_id: Smallest,
    /// Template.
    template_name: First<String>,
    /// `rsvp`, `travel`, `template`.
    message_type: First<String>,
    /// Whether the send belongs to no event; where statements of one rank differ: true.
    standalone: First<Reverse<bool>>,
    /// Event of the application.
    event_id: First<String>,
    /// Registration of the guest.
    registration_id: First<String>,
    /// Guest.
    guest_id: First<String>,
    /// Guest's name; dropped where phone numbers are hashed.
    guest_name: First<String>,
    /// The earliest event time of all facts: with the latest, the days of the lake that hold them.
    first_fact_at: Earliest,
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
    /// Every state.
    pub const ALL: [State; 5] = [State::Sent, State::Delivered, State::Read, State::Failed, State::Deleted];

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
    /// The state: by rank, not by the order in which things were reported. A click or a reply shows that the message
    /// was read.
    pub fn state(&self) -> State {
        let is_read = self.read_at.get().or(self.first_click_at()).or(self.replied_at.get()).is_some();
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

    /// The earliest click that counts for CTR: milliseconds since 1970, UTC.
    pub fn first_click_at(&self) -> Option<i64> {
        self.taps.first_click_at()
    }

    /// Whether answers show it: a send or a status is known. Clicks and replies alone make no message, because their
    /// message may be another's.
    pub fn is_known(&self) -> bool {
        !self.reported_at.is_unknown()
    }

    /// To whom the message went: the phone number or its keyed hash, else the business-scoped user id. A message to a
    /// group has no recipient.
    pub fn recipient_id(&self) -> Option<&str> {
        if self.group_id.is_unknown() { self.wa_id.get().or(self.user_id.get()) } else { None }
    }

    /// Whether the message belongs to no event. Unknown counts as false.
    pub fn is_standalone(&self) -> bool {
        self.standalone.get().is_some_and(|Reverse(standalone)| *standalone)
    }
}
