//! Meta's envelope: entries per account, changes per phone number, messages and statuses inside.

use serde_json::{Map, Value, json};

use crate::clock::SECOND;
use crate::random::SeededRng;
use crate::world::{Line, World};

/// A part of a body: one message, one status, one user action, or one change of another field.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Status {
        status: Value,
        contact: Option<Value>,
    },
    Message {
        message: Value,
        contact: Option<Value>,
    },
    UserAction(Value),
    /// A change of another webhook field, with its whole value. `at` is the entry's time in milliseconds since 1970.
    Field {
        field: &'static str,
        at: i64,
        value: Value,
    },
}

/// A part and the index of the business's phone number that it concerns.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) line: usize,
    pub(crate) part: Part,
}

/// Builds one body from several parts. Accounts become entries; parts of one phone number share a change or have one
/// each. Changes of other fields have their own entry, because the entry carries their time.
pub(crate) fn envelope(world: &World, changes: &[Change], rng: &mut SeededRng) -> Value {
    let mut entries: Vec<Value> = Vec::new();
    let mut accounts: Vec<(&str, Vec<Value>)> = Vec::new();
    let together = rng.chance(70);
    for (line_index, line) in world.lines.iter().enumerate() {
        let mut parts: Vec<&Part> = Vec::new();
        for change in changes.iter().filter(|change| change.line == line_index) {
            match &change.part {
                Part::Field { field, at, value } => {
                    let change = json!({"field": field, "value": value});
                    entries.push(json!({"id": line.waba, "time": at / SECOND, "changes": [change]}));
                }
                part => parts.push(part),
            }
        }
        let made: Vec<Value> = match (parts.is_empty(), together) {
            (true, _) => continue,
            (false, true) => vec![messages_change(line, &parts)],
            (false, false) => parts.iter().map(|part| messages_change(line, std::slice::from_ref(part))).collect(),
        };
        // An account has one entry, or one entry per phone number.
        match accounts.last_mut() {
            Some((waba, changes)) if *waba == line.waba && together => changes.extend(made),
            _ => accounts.push((line.waba, made)),
        }
    }
    entries.extend(accounts.into_iter().map(|(waba, changes)| json!({"id": waba, "changes": changes})));
    json!({"object": "whatsapp_business_account", "entry": entries})
}

fn messages_change(line: &Line, parts: &[&Part]) -> Value {
    let mut value = Map::new();
    value.insert("messaging_product".to_owned(), json!("whatsapp"));
    value.insert("metadata".to_owned(), metadata(line));
    let mut push = |key: &str, item: &Value| {
        if let Value::Array(items) = value.entry(key).or_insert_with(|| json!([])) {
            items.push(item.clone());
        }
    };
    for part in parts {
        match part {
            Part::Status { status, contact } => {
                push("statuses", status);
                contact.iter().for_each(|contact| push("contacts", contact));
            }
            Part::Message { message, contact } => {
                push("messages", message);
                contact.iter().for_each(|contact| push("contacts", contact));
            }
            Part::UserAction(action) => push("user_actions", action),
            Part::Field { .. } => {}
        }
    }
    json!({"field": "messages", "value": value})
}

/// The `metadata` object: the phone number that a value concerns.
pub(crate) fn metadata(line: &Line) -> Value {
    json!({"display_phone_number": line.display, "phone_number_id": line.phone_number_id})
}
