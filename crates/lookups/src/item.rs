//! The item that the look-up store keeps for each message. It contains all values of the message's rows in the SQL
//! queries `message_status` and `message_log`.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use crate::registers::{Earliest, First, Latest, Merge, Smallest};
use crate::taps::Taps;

macro_rules! item {
    ($($(#[$doc:meta])* $field:ident: $type:ty,)*) => {
        /// The known values of one message. Merging is commutative and idempotent: two copies merge to the same item
        /// in any order, and merging an item with itself does not change it.
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
    /// Time of the earliest send or status of any kind. Without it, the message is not known to be a business
    /// message.
    reported_at: Earliest,
    /// Time of the earliest send or status that means that the message was sent.
    sent_at: Earliest,
    /// Time of the earliest `delivered`.
    delivered_at: Earliest,
    /// Time of the earliest `read` or `played`.
    read_at: Earliest,
    /// Time of the earliest `failed`.
    failed_at: Earliest,
    /// Time of the earliest `deleted`.
    deleted_at: Earliest,
    /// The clicks on the message.
    taps: Taps,
    /// Time of the earliest inbound message that quotes this message, except reactions.
    replied_at: Earliest,
    /// Error code, as text, of the earliest `failed` that has a code. If several have the same time, the smallest text
    /// is kept.
    error_code: First<String>,
    /// Error title of the earliest `failed` that has a title.
    error_title: First<String>,
    /// Error message of the earliest `failed` that has a message.
    error_message: First<String>,
    /// Phone number of the recipient, digits only, or its keyed hash.
    wa_id: Smallest,
    /// Business-scoped user id of the recipient.
    user_id: Smallest,
    /// Id of the group to which the message was sent.
    group_id: Smallest,
    /// Name of the template.
    template_name: First<String>,
    /// Type of the message: `rsvp`, `travel` or `template`.
    message_type: First<String>,
    /// Whether the send belongs to no event; true if statements of the same rank differ.
    standalone: First<Reverse<bool>>,
    /// Id of the application's event.
    event_id: First<String>,
    /// Id of the guest's registration.
    registration_id: First<String>,
    /// Id of the guest.
    guest_id: First<String>,
    /// Name of the guest; dropped if phone numbers are pseudonymised.
    guest_name: First<String>,
    /// The earliest event time of all facts. With `last_fact_at` it gives the days of the lake that contain them.
    first_fact_at: Earliest,
    /// The latest event time of all facts. A store's retention time starts then.
    last_fact_at: Latest,
}

/// Delivery state of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Sent; no later state is known.
    Sent,
    /// Delivered to a device of the recipient.
    Delivered,
    /// Read by the recipient.
    Read,
    /// Delivery failed.
    Failed,
    /// Deleted by the business.
    Deleted,
}

impl State {
    /// All states.
    pub const ALL: [State; 5] = [State::Sent, State::Delivered, State::Read, State::Failed, State::Deleted];

    /// The state's name in answers.
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
    /// The state with the highest rank, regardless of the order of the reports. A click or a reply implies that the
    /// message was read.
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

    /// Time of the earliest click that counts for CTR, in milliseconds since 1970, UTC.
    pub fn first_click_at(&self) -> Option<i64> {
        self.taps.first_click_at()
    }

    /// Whether answers include the item: a send or a status is known. Clicks and replies alone are not enough,
    /// because the message may belong to another business.
    pub fn is_known(&self) -> bool {
        !self.reported_at.is_unknown()
    }

    /// The recipient's phone number or its keyed hash, or else the business-scoped user id. A message to a group has
    /// no recipient.
    pub fn recipient_id(&self) -> Option<&str> {
        if self.group_id.is_unknown() { self.wa_id.get().or(self.user_id.get()) } else { None }
    }

    /// Whether the message belongs to no event. False if unknown.
    pub fn is_standalone(&self) -> bool {
        self.standalone.get().is_some_and(|Reverse(standalone)| *standalone)
    }
}
