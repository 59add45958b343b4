//! The known facts of each message and click, one object each. `tests/sql/truth_of_facts.py` computes from these facts
//! the answers that this crate does not compute. Times are milliseconds since 1970, UTC.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::known::{Knowledge, KnownClick, Message};

/// `messages`: the messages that reports count, with statuses of the first 168 hours and clicks of any age. `clicks`:
/// every click, attributed or not.
pub(super) fn facts(knowledge: &Knowledge<'_>) -> Value {
    let of_any_age: BTreeMap<&str, &[KnownClick]> =
        knowledge.present.iter().map(|message| (message.id.as_str(), message.clicks.as_slice())).collect();
    let clicks_on = |message: &Message| of_any_age.get(message.id.as_str()).copied().unwrap_or_default();
    let messages: Vec<Value> = knowledge.messages.iter().map(|message| fact(message, clicks_on(message))).collect();
    json!({"messages": messages, "clicks": knowledge.clicks.iter().map(click).collect::<Vec<_>>()})
}

fn fact(message: &Message, clicks: &[KnownClick]) -> Value {
    json!({
        "id": message.id,
        "sent_at": message.sent_at,
        "delivered_at": message.delivered_at,
        "read_at": message.read_at,
        "failed_at": message.failed_at,
        "deleted_at": message.deleted_at,
        "replied_at": message.replied_at,
        "error_code": message.error_code,
        "error_title": message.error_title,
        "error_message": message.error_message,
        "recipient": message.recipient,
        "phone": message.phone,
        "account_id": message.sender.account,
        "phone_number_id": message.sender.phone_number,
        "template_name": message.template,
        "template_language": message.language,
        "campaign_id": message.campaign_id,
        "campaign_name": message.campaign_name,
        "ticket_id": message.record.as_ref().and_then(|record| record.ticket.as_ref()),
        "buttons": message.buttons,
        "pricing_category": message.price.map(|price| price.category),
        "billable": message.price.map(|price| price.billable),
        "clicks": clicks.iter().map(click).collect::<Vec<_>>(),
    })
}

fn click(click: &KnownClick) -> Value {
    json!({
        "at": click.at,
        "kind": click.kind,
        "message_id": click.message,
        "person": click.person,
        "account_id": click.sender.account,
        "phone_number_id": click.sender.phone_number,
        "button_id": click.button_id,
        "button_text": click.button_text,
        "url": click.url,
        "button": click.button(),
    })
}
