//! Measures of a group of messages: click-through rates and the funnel.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::known::Message;
use super::table::{elapsed_ms, percentiles, rate};

/// Number of messages that fulfil the condition.
pub(super) fn count(messages: &[&Message], passes: impl Fn(&Message) -> bool) -> u64 {
    messages.iter().filter(|message| passes(message)).count() as u64
}

/// Number of distinct recipients of the messages that fulfil the condition.
pub(super) fn recipients(messages: &[&Message], passes: impl Fn(&Message) -> bool) -> u64 {
    let messages = messages.iter().filter(|message| passes(message));
    messages.filter_map(|message| message.recipient.as_deref()).collect::<BTreeSet<_>>().len() as u64
}

/// Columns of [`ctr`].
pub(super) const CTR_COLUMNS: [&str; 13] = [
    "messages",
    "delivered",
    "read",
    "clicked",
    "clicks",
    "recipients",
    "clickers",
    "ctr",
    "click_to_read",
    "unique_ctr",
    "clicks_per_clicked",
    "total_click_rate",
    "unknown_buttons",
];

/// Click counts and rates of a group of messages.
pub(super) fn ctr(messages: &[&Message]) -> Vec<Value> {
    let delivered = count(messages, Message::is_delivered);
    let read = count(messages, Message::is_read);
    let clicked = count(messages, Message::is_clicked);
    let clicks: u64 = messages.iter().map(|message| message.clicks.len() as u64).sum();
    let reached = recipients(messages, Message::is_delivered);
    let clickers = recipients(messages, Message::is_clicked);
    vec![
        json!(messages.len()),
        json!(delivered),
        json!(read),
        json!(clicked),
        json!(clicks),
        json!(reached),
        json!(clickers),
        rate(clicked, delivered),
        rate(clicked, read),
        rate(clickers, reached),
        rate(clicks, clicked),
        rate(clicks, delivered),
        json!(count(messages, |message| message.buttons.is_none())),
    ]
}

/// Columns of [`funnel`].
pub(super) const FUNNEL_COLUMNS: [&str; 19] = [
    "sent",
    "delivered",
    "read",
    "clicked",
    "replied",
    "failed",
    "deleted",
    "delivery_rate",
    "read_rate",
    "click_rate",
    "reply_rate",
    "sent_to_delivered_p50",
    "sent_to_delivered_p90",
    "delivered_to_read_p50",
    "delivered_to_read_p90",
    "read_to_click_p50",
    "read_to_click_p90",
    "click_to_reply_p50",
    "click_to_reply_p90",
];

/// Milliseconds from one step of the funnel to the next, if both times are known.
type Step = fn(&Message) -> Option<i64>;

/// Counts, rates and durations of the funnel of a group of messages.
pub(super) fn funnel(messages: &[&Message]) -> Vec<Value> {
    let delivered = count(messages, Message::is_delivered);
    let read = count(messages, Message::is_read);
    let clicked = count(messages, Message::is_clicked);
    let replied = count(messages, |message| message.replied_at.is_some());
    let sent = messages.len() as u64;
    let mut row = vec![
        json!(sent),
        json!(delivered),
        json!(read),
        json!(clicked),
        json!(replied),
        json!(count(messages, Message::is_failed)),
        json!(count(messages, |message| message.deleted_at.is_some())),
        rate(delivered, sent),
        rate(read, delivered),
        rate(clicked, delivered),
        rate(replied, delivered),
    ];
    let steps: [Step; 4] = [
        |message| elapsed_ms(message.sent_at, message.delivered_at),
        |message| elapsed_ms(message.delivered_at, message.read_at),
        |message| elapsed_ms(message.read_at, message.first_click_at()),
        |message| elapsed_ms(message.first_click_at(), message.replied_at),
    ];
    for step in steps {
        row.extend(percentiles(messages.iter().filter_map(|message| step(message)).collect()));
    }
    row
}
