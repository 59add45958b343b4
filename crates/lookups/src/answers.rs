//! JSON answers of the look-up routes. The fields that existing clients know come first, in their order, followed by
//! additional ones.

use bluetick_events::map_id;
use chrono::{DateTime, SecondsFormat};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::filter::Position;
use crate::item::{Item, State};
use crate::store::Entry;

/// Number of messages per page of `message-logs`.
pub const PAGE: usize = 50;

/// Maximum number of message ids in one look-up.
pub const MAX_WAMIDS: usize = 1_000;

/// The delivery status of a message.
#[derive(Debug, Serialize)]
struct Status<'a> {
    status: State,
    sent_at: Option<String>,
    delivered_at: Option<String>,
    read_at: Option<String>,
    error_code: Option<&'a str>,
    error: Option<&'a str>,
    failed_at: Option<String>,
    first_click_at: Option<String>,
    replied_at: Option<String>,
}

/// A message with its status and the fields that the application recorded.
#[derive(Debug, Serialize)]
struct Log<'a> {
    id: String,
    wamid: &'a str,
    recipient_id: Option<&'a str>,
    status: State,
    message_type: Option<&'a str>,
    template_name: Option<&'a str>,
    event_id: Option<&'a str>,
    registration_id: Option<&'a str>,
    guest_id: Option<&'a str>,
    guest_name: Option<&'a str>,
    sent_at: Option<String>,
    delivered_at: Option<String>,
    read_at: Option<String>,
    failed_at: Option<String>,
    error_code: Option<&'a str>,
    error_message: Option<&'a str>,
    first_click_at: Option<String>,
    replied_at: Option<String>,
}

/// Formats a time as `2026-11-20T09:30:00Z`, with milliseconds only if they are not zero.
fn time(time: Option<i64>) -> Option<String> {
    let time = DateTime::from_timestamp_millis(time?)?;
    Some(time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

fn text(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str)
}

fn status(item: &Item) -> Status<'_> {
    Status {
        status: item.state(),
        sent_at: time(item.sent_at.get()),
        delivered_at: time(item.delivered_at.get()),
        read_at: time(item.read_at.get()),
        error_code: text(item.error_code.get()),
        error: text(item.error_title.get().or(item.error_message.get())),
        failed_at: time(item.failed_at.get()),
        first_click_at: time(item.first_click_at()),
        replied_at: time(item.replied_at.get()),
    }
}

fn log<'a>(message_id: &'a str, item: &'a Item) -> Log<'a> {
    Log {
        id: map_id(message_id),
        wamid: message_id,
        recipient_id: item.recipient_id(),
        status: item.state(),
        // A send without a message type is a template message.
        message_type: text(item.message_type.get()).or_else(|| item.standalone.get().map(|_| "template")),
        template_name: text(item.template_name.get()),
        event_id: text(item.event_id.get()),
        registration_id: text(item.registration_id.get()),
        guest_id: text(item.guest_id.get()),
        guest_name: text(item.guest_name.get()),
        sent_at: time(item.sent_at.get()),
        delivered_at: time(item.delivered_at.get()),
        read_at: time(item.read_at.get()),
        failed_at: time(item.failed_at.get()),
        error_code: text(item.error_code.get()),
        error_message: text(item.error_message.get().or(item.error_title.get())),
        first_click_at: time(item.first_click_at()),
        replied_at: time(item.replied_at.get()),
    }
}

/// The answer to a look-up by message ids: one entry per known message.
pub fn statuses(entries: &[Entry]) -> Value {
    let statuses: Map<String, Value> = entries
        .iter()
        .filter(|(_, item)| item.is_known())
        .map(|(id, item)| (id.clone(), json!(status(item))))
        .collect();
    json!({ "statuses": statuses })
}

/// The answer with one page of messages. `entries` holds the page, plus one more entry if there is a next page.
/// `next_cursor` is null on the last page.
pub fn logs(entries: &[Entry]) -> Value {
    let (page, rest) = entries.split_at_checked(PAGE).unwrap_or((entries, &[]));
    let last = page.last().filter(|_| !rest.is_empty());
    let next = last.map(|(id, item)| Position::of(id, item).to_cursor());
    let logs: Vec<_> = page.iter().map(|(id, item)| log(id, item)).collect();
    json!({ "logs": logs, "next_cursor": next })
}

/// The answer with a single message, or null.
pub fn latest(entry: Option<&Entry>) -> Value {
    json!({ "log": entry.map(|(id, item)| log(id, item)) })
}
