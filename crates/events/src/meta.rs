//! Meta's Cloud API: entries, changes, and what they carry.
//!
//! One POST holds up to a thousand updates: any number of entries, changes, messages and statuses. Each becomes a record of its
//! own, whatever its neighbours are.

mod messages;
mod statuses;

use std::collections::HashMap;

use crate::flattening::{AccountEventParts, Flattening, Scope, fill};
use crate::found::{Found, id};
use crate::json::Json;
use crate::payload::Keep;
use crate::person::{Identity, Person, identity};
use crate::time::instant;

pub(crate) use messages::{Choice, click, flow_choice, interactive_choice, message};
pub(crate) use statuses::{Placement, fill_error, placed_status};

/// What surrounds a message or status.
pub(crate) struct Surroundings<'j> {
    pub(crate) scope: Scope<'j>,
    /// The entry's own time, which only other fields than `messages` are known to have.
    pub(crate) entry_time: Option<Found<'j, i64>>,
    pub(crate) contacts: Contacts<'j>,
    /// What a relay says beside the message that was clicked.
    pub(crate) context_id: &'j Json<'j>,
}

/// Flattens a body of Meta's shape; false if it has none of its marks.
pub(crate) fn flatten<'j>(flattening: &mut Flattening<'_>, body: &'j Json<'j>) -> bool {
    if body.get("entry").items().len() > 0 {
        flattening.each(body.get("entry").items(), flatten_entry);
        return true;
    }
    // The dashboard's test button sends {"sample": {"field", "value"}}.
    let change = if body.get("sample").is_object() { body.get("sample") } else { body };
    if change.get("field").as_str().is_some() && !change.get("value").is_null() {
        flatten_change(flattening, body, change);
        return true;
    }
    false
}

fn flatten_entry<'j>(flattening: &mut Flattening<'_>, entry: &'j Json<'j>) {
    let changes = entry.get("changes");
    if changes.items().len() == 0 {
        let scope = Scope { account_id: id(entry.get("id")), phone_number_id: None };
        let kind = if entry.get("standby").is_null() { "entry" } else { "standby" };
        let time = instant(entry.get("time"));
        let parts = AccountEventParts { time, ..AccountEventParts::new(kind, entry, Keep::Skeleton) };
        flattening.account_event(&scope, parts);
    }
    flattening.each(changes.items(), |flattening, change| flatten_change(flattening, entry, change));
}

fn flatten_change<'j>(flattening: &mut Flattening<'_>, entry: &'j Json<'j>, change: &'j Json<'j>) {
    let value = change.get("value");
    let scope =
        Scope { account_id: id(entry.get("id")), phone_number_id: id(value.at(&["metadata", "phone_number_id"])) };
    let entry_time = instant(entry.get("time"));
    let is_messages = match change.get("field").as_str() {
        Some(field) => field == "messages",
        None => ["messages", "statuses", "user_actions"].iter().any(|key| !value.get(key).is_null()),
    };
    if !is_messages {
        return flatten_other(flattening, &scope, entry_time, change);
    }
    let contacts = Contacts::of(value.get("contacts"));
    let surroundings = Surroundings { scope, entry_time, contacts, context_id: value.get("contextId") };
    let lists = ["messages", "statuses", "user_actions", "errors"];
    flattening.each(value.get("messages").items(), |flattening, message| {
        messages::message(flattening, &surroundings, message);
    });
    flattening.each(value.get("statuses").items(), |flattening, status| {
        statuses::status(flattening, &surroundings, status);
    });
    flattening.each(value.get("user_actions").items(), |flattening, action| {
        messages::user_action(flattening, &surroundings, action);
    });
    let errors = value.get("errors");
    if !errors.is_null() {
        let time = surroundings.entry_time;
        let parts = AccountEventParts::new("messages_error", errors, Keep::Everything);
        let parts = AccountEventParts { time, name: "errors", ..parts };
        flattening.account_event(&surroundings.scope, parts);
    }
    if lists.iter().all(|list| value.get(list).items().len() == 0) {
        let time = surroundings.entry_time;
        let content = if value.is_null() { change } else { value };
        let parts = AccountEventParts { time, ..AccountEventParts::new("messages", content, Keep::Skeleton) };
        flattening.account_event(&surroundings.scope, parts);
    }
}

/// Values of other fields: one event each, but one for each person where the field lists people.
fn flatten_other<'j>(
    flattening: &mut Flattening<'_>,
    scope: &Scope<'j>,
    entry_time: Option<Found<'j, i64>>,
    change: &'j Json<'j>,
) {
    let value = change.get("value");
    let field = change.get("field").as_str();
    let (kind, content) = match field {
        Some(field) if !value.is_null() => (field, value),
        _ => (field.unwrap_or("unplaced_change"), change),
    };
    let keep = match kind {
        "history" | "message_echoes" | "smb_message_echoes" | "standby" | "unplaced_change" => Keep::Skeleton,
        _ => Keep::Everything,
    };
    let people = match kind {
        "user_preferences" => value.get("user_preferences"),
        "user_id_update" => value.get("user_id_update"),
        _ => &Json::Null,
    };
    if people.items().len() == 0 {
        let time = entry_time.or_else(|| value_time(value));
        let parts = AccountEventParts { time, ..AccountEventParts::new(kind, content, keep) };
        flattening.account_event(scope, parts);
    }
    flattening.each(people.items(), |flattening, about| {
        let time = instant(about.get("timestamp")).or(entry_time);
        let places = [about.get("wa_id"), about.at(&["user_id", "current"]), about.get("user_id")];
        let person = Person::of(flattening.options, &places);
        let parts = AccountEventParts { time, person, ..AccountEventParts::new(kind, about, keep) };
        flattening.account_event_with(scope, parts, |flattening, draft| {
            let category = id(about.get("category"));
            let preference = id(about.get("value"));
            fill!(flattening, *draft, { category: category, preference: preference, });
        });
    });
}

/// The time that a value names itself, or the first element of one of its lists: calls, groups, tracking events.
fn value_time<'j>(value: &'j Json<'j>) -> Option<Found<'j, i64>> {
    let lists = value.members().iter().filter(|(_, member)| member.is_array());
    let mut firsts = lists.filter_map(|(_, list)| list.items().next());
    instant(value.get("timestamp")).or_else(|| firsts.find_map(|first| instant(first.get("timestamp"))))
}

/// The people that a change names beside its messages and statuses; they stand in no particular order.
#[derive(Debug, Default)]
pub(crate) struct Contacts<'j> {
    by_phone: HashMap<String, &'j Json<'j>>,
    by_user: HashMap<String, &'j Json<'j>>,
}

impl<'j> Contacts<'j> {
    pub(crate) fn of(contacts: &'j Json<'j>) -> Self {
        let mut found = Contacts::default();
        for contact in contacts.items() {
            for node in [contact.get("wa_id"), contact.get("user_id")] {
                match identity(node) {
                    Some(Identity::Phone(digits)) => found.by_phone.entry(digits).or_insert(contact),
                    Some(Identity::User(user_id)) => found.by_user.entry(user_id).or_insert(contact),
                    None => continue,
                };
            }
        }
        found
    }

    /// The person at these places, completed by what the contacts know.
    pub(crate) fn person(&self, flattening: &Flattening<'_>, places: &[&'j Json<'j>]) -> Person<'j> {
        let known = places.iter().find_map(|node| match identity(node)? {
            Identity::Phone(digits) => self.by_phone.get(&digits),
            Identity::User(user_id) => self.by_user.get(&user_id),
        });
        let Some(contact) = known else { return Person::of(flattening.options, places) };
        let mut places = places.to_vec();
        places.extend([contact.get("wa_id"), contact.get("user_id")]);
        Person::of(flattening.options, &places)
    }
}
