//! Values that the messages and statuses of one change share.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::extracted::Extracted;
use crate::flattening::{Flattening, Scope};
use crate::json::Json;
use crate::person::{Identity, Person, identity};

/// The values that a message or status takes from the enclosing change.
pub(in crate::providers) struct EventContext<'j> {
    pub(in crate::providers) scope: Scope<'j>,
    /// The entry's own time. Meta documents it only for fields other than `messages`.
    pub(in crate::providers) entry_time: Option<Extracted<'j, i64>>,
    pub(in crate::providers) contacts: Contacts<'j>,
    /// The id of the clicked message. Relays put it beside the message object.
    pub(in crate::providers) context_id: &'j Json<'j>,
}

/// The people that a change lists beside its messages and statuses, in no particular order.
#[derive(Debug, Default)]
pub(in crate::providers) struct Contacts<'j> {
    by_phone: HashMap<Cow<'j, str>, &'j Json<'j>>,
    by_user: HashMap<&'j str, &'j Json<'j>>,
}

impl<'j> Contacts<'j> {
    /// Parses the list `contacts` of a change.
    pub(in crate::providers) fn of(contacts: &'j Json<'j>) -> Self {
        let mut known = Contacts::default();
        for contact in contacts.items() {
            for node in [contact.get("wa_id"), contact.get("user_id")] {
                match identity(node) {
                    Some(Identity::Phone(digits)) => known.by_phone.entry(digits).or_insert(contact),
                    Some(Identity::User(user_id)) => known.by_user.entry(user_id).or_insert(contact),
                    None => continue,
                };
            }
        }
        known
    }

    /// The person identified by these nodes, with missing identifiers added from the matching contact.
    pub(in crate::providers) fn person(&self, flattening: &Flattening<'_>, places: &[&'j Json<'j>]) -> Person<'j> {
        if self.by_phone.is_empty() && self.by_user.is_empty() {
            return Person::of(flattening.options, places);
        }
        let contact = places.iter().find_map(|node| match identity(node)? {
            Identity::Phone(digits) => self.by_phone.get(digits.as_ref()),
            Identity::User(user_id) => self.by_user.get(user_id),
        });
        let Some(contact) = contact else { return Person::of(flattening.options, places) };
        let mut places = places.to_vec();
        places.extend([contact.get("wa_id"), contact.get("user_id")]);
        Person::of(flattening.options, &places)
    }
}
