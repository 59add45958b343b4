//! Meta's Cloud API.
//!
//! One POST contains up to 1,000 updates in any number of entries and changes. Each message or status becomes a
//! separate record, and a malformed one does not affect the others.

mod context;
mod messages;
mod statuses;

use crate::auth_scheme::AuthScheme;
use crate::definition::Definition;
use crate::extracted::{Extracted, id};
use crate::flattening::{AccountEventParts, Flattening, Scope, fill};
use crate::json::Json;
use crate::payload::Keep;
use crate::person::Person;
use crate::time::instant;

// Woosh relays Meta's messages and statuses.
pub(super) use context::{Contacts, EventContext};
pub(super) use messages::{click, message};
pub(super) use statuses::{Placement, placed_status};

pub(super) const DEFINITION: Definition = Definition {
    name: "meta",
    auth: AuthScheme {
        handshake_setting: Some("META_VERIFY_TOKENS"),
        ..AuthScheme::signature(&["X-Hub-Signature-256"], "META_APP_SECRETS")
    },
    flatten,
    requests: &[],
};

/// Adds the records of a body. Returns `false` if it does not have Meta's shape.
pub(super) fn flatten<'j>(flattening: &mut Flattening<'_>, body: &'j Json<'j>) -> bool {
    if body.get("entry").items().len() > 0 {
        flattening.each(body.get("entry").items(), flatten_entry);
        return true;
    }
    // The test button in Meta's dashboard sends {"sample": {"field", "value"}}.
    let change = if body.get("sample").is_object() { body.get("sample") } else { body };
    if change.get("field").as_str().is_some() && !change.get("value").is_null() {
        flatten_change(flattening, body, change);
        return true;
    }
    false
}

/// Fields whose values may contain `messages` or `statuses` that are not inbound messages or delivery statuses of
/// this business. In all other fields, even with a misspelt name, these members are handled as in the field
/// `messages`.
const FIELDS_WITH_OTHER_MESSAGES: [&str; 5] = ["calls", "history", "message_echoes", "smb_message_echoes", "standby"];

fn flatten_entry<'j>(flattening: &mut Flattening<'_>, entry: &'j Json<'j>) {
    let changes = entry.get("changes");
    if changes.items().len() == 0 {
        let scope = Scope { account_id: id(entry.get("id")), phone_number_id: None };
        let kind = if entry.get("standby").is_null() { "entry" } else { "standby" };
        let time = instant(entry.get("time"));
        let parts = AccountEventParts { time, ..AccountEventParts::new(kind, entry, Keep::Metadata) };
        flattening.account_event(&scope, parts);
    }
    flattening.each(changes.items(), |flattening, change| flatten_change(flattening, entry, change));
}

fn flatten_change<'j>(flattening: &mut Flattening<'_>, entry: &'j Json<'j>, change: &'j Json<'j>) {
    let value = change.get("value");
    let scope =
        Scope { account_id: id(entry.get("id")), phone_number_id: id(value.at(&["metadata", "phone_number_id"])) };
    let entry_time = instant(entry.get("time"));
    let holds = |keys: &[&str]| keys.iter().any(|key| value.get(key).items().len() > 0);
    let is_messages = match change.get("field").as_str() {
        Some("messages") => true,
        Some(field) => !FIELDS_WITH_OTHER_MESSAGES.contains(&field) && holds(&["messages", "statuses"]),
        None => ["messages", "statuses", "user_actions"].iter().any(|key| !value.get(key).is_null()),
    };
    if !is_messages {
        return flatten_other(flattening, &scope, entry_time, change);
    }
    let contacts = Contacts::of(value.get("contacts"));
    let context = EventContext { scope, entry_time, contacts, context_id: value.get("contextId") };
    let lists = ["messages", "statuses", "user_actions", "errors"];
    flattening.each(value.get("messages").items(), |flattening, message| {
        messages::message(flattening, &context, message);
    });
    flattening.each(value.get("statuses").items(), |flattening, status| {
        statuses::status(flattening, &context, status);
    });
    flattening.each(value.get("user_actions").items(), |flattening, action| {
        messages::user_action(flattening, &context, action);
    });
    let errors = value.get("errors");
    if !errors.is_null() {
        let time = context.entry_time;
        let parts = AccountEventParts::new("messages_error", errors, Keep::Everything);
        let parts = AccountEventParts { time, name: "errors", ..parts };
        flattening.account_event(&context.scope, parts);
    }
    if lists.iter().all(|list| value.get(list).items().len() == 0) {
        let time = context.entry_time;
        let content = if value.is_null() { change } else { value };
        let parts = AccountEventParts { time, ..AccountEventParts::new("messages", content, Keep::Metadata) };
        flattening.account_event(&context.scope, parts);
    }
}

/// Adds the account events of other fields: one per change, or one per person if the field lists people.
fn flatten_other<'j>(
    flattening: &mut Flattening<'_>,
    scope: &Scope<'j>,
    entry_time: Option<Extracted<'j, i64>>,
    change: &'j Json<'j>,
) {
    let value = change.get("value");
    let field = change.get("field").as_str();
    let (kind, content) = match field {
        Some(field) if !value.is_null() => (field, value),
        _ => (field.unwrap_or("unplaced_change"), change),
    };
    let keep = match kind {
        "history" | "message_echoes" | "smb_message_echoes" | "standby" | "unplaced_change" => Keep::Metadata,
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

/// The value's own time, or else the time of the first element of one of its lists (calls, groups, tracking events).
fn value_time<'j>(value: &'j Json<'j>) -> Option<Extracted<'j, i64>> {
    let lists = value.members().iter().filter(|(_, member)| member.is_array());
    let mut firsts = lists.filter_map(|(_, list)| list.items().next());
    instant(value.get("timestamp")).or_else(|| firsts.find_map(|first| instant(first.get("timestamp"))))
}
