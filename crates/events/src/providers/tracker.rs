//! The customer's own application: messages that it sent, and statuses that it forwards.

use crate::auth_scheme::AuthScheme;
use crate::definition::{Definition, InvalidRequest, RequestRoute};
use crate::extracted::{Extracted, id, text};
use crate::flattening::{Draft, Flattening, Scope, fill};
use crate::json::Json;
use crate::limits::MAX_BUTTONS;
use crate::map_id::map_id;
use crate::person::Person;
use crate::record::{Send, Status};
use crate::status_error::fill_error;
use crate::time::instant;

pub(super) const DEFINITION: Definition = Definition {
    name: "tracker",
    auth: AuthScheme::token(&["X-Webhook-Token"], "TRACKER_TOKENS"),
    flatten,
    requests: &[
        RequestRoute { path: "/api/webhooks/track-send", flatten: track_send },
        RequestRoute { path: "/api/webhooks/message-status", flatten: message_status },
    ],
};

/// Adds the record of a body whose route is unknown: a body with `template_wamid` is a send, any other a status. `false` if a required
/// field is missing.
fn flatten<'j>(flattening: &mut Flattening<'_>, body: &'j Json<'j>) -> bool {
    if body.get("template_wamid").is_null() {
        message_status(flattening, body).is_ok()
    } else {
        track_send(flattening, body).is_ok()
    }
}

/// The text of a required field.
fn required<'j>(body: &'j Json<'j>, field: &'static str) -> Result<Extracted<'j, String>, InvalidRequest> {
    let node = body.get(field);
    match id(node) {
        Some(value) if !value.value.trim().is_empty() => Ok(value),
        None if !node.is_null() && !matches!(node, Json::String(_)) => {
            Err(InvalidRequest::Invalid { field, expected: "a string" })
        }
        _ => Err(InvalidRequest::Missing(field)),
    }
}

/// The person in a required field.
fn phone<'j>(
    flattening: &Flattening<'_>,
    body: &'j Json<'j>,
    field: &'static str,
) -> Result<Person<'j>, InvalidRequest> {
    required(body, field)?;
    let person = Person::of(flattening.options, &[body.get(field)]);
    if person.wa_id.is_none() && person.user_id.is_none() {
        return Err(InvalidRequest::Invalid { field, expected: "a phone number" });
    }
    Ok(person)
}

/// Handles `POST /api/webhooks/track-send/`: the application sent a message.
fn track_send<'j>(flattening: &mut Flattening<'_>, body: &'j Json<'j>) -> Result<serde_json::Value, InvalidRequest> {
    let person = phone(flattening, body, "wa_id")?;
    let wamid = required(body, "template_wamid")?;
    let sent_at = body.get("sent_at");
    let time = match instant(sent_at) {
        Some(time) => time,
        None if sent_at.is_null() => flattening.receipt(),
        None => {
            return Err(InvalidRequest::Invalid { field: "sent_at", expected: "a time of ISO 8601 or a Unix time" });
        }
    };
    let event_id = id(body.get("event_id"));
    let registration_id = id(body.get("event_registration_id"));
    let standalone = event_id.is_none() && registration_id.is_none();
    let default = |value: &str| Some(Extracted::computed(value.to_owned(), "default"));

    let mut draft: Draft<Send> = flattening.draft(&time, &Scope::default());
    let message_id = wamid.value.clone();
    flattening.note(&mut draft, "message_id", &wamid);
    draft.columns.message_id = wamid.value;
    let guest_name = if flattening.options.pseudonym_key.is_some() { None } else { text(body.get("guest_name")) };
    fill!(flattening, draft, {
        wa_id: person.wa_id,
        template_name: text(body.get("template_name")),
        flow_type: id(body.get("flow_type")).or_else(|| default("standalone")),
        message_type: id(body.get("message_type")).or_else(|| default("template")),
        standalone: Some(Extracted::computed(standalone, "whether event_id and event_registration_id are missing")),
        event_id: event_id,
        event_registration_id: registration_id,
        guest_id: id(body.get("guest_id")),
        guest_name: guest_name,
        ticket_id: id(body.get("ticket_id")),
        campaign_id: id(body.get("campaign_id")),
        buttons: buttons(body.get("buttons"))?,
    });
    flattening.push(draft);
    Ok(if standalone {
        serde_json::json!({ "ok": true, "standalone": true, "wamid": message_id })
    } else {
        serde_json::json!({ "ok": true, "map_id": map_id(&message_id) })
    })
}

/// The list of button ids.
fn buttons<'j>(node: &'j Json<'j>) -> Result<Option<Extracted<'j, Vec<String>>>, InvalidRequest> {
    if node.is_null() {
        return Ok(None);
    }
    let invalid = InvalidRequest::Invalid { field: "buttons", expected: "a list of up to 100 button ids" };
    let items = node.items();
    if !node.is_array() || items.len() > MAX_BUTTONS {
        return Err(invalid);
    }
    let ids: Option<Vec<_>> = items.map(|item| id(item).map(|id| id.value)).collect();
    ids.map(|ids| Some(Extracted::copied(ids, node))).ok_or(invalid)
}

/// Handles `POST /api/webhooks/message-status/`: the application forwards a status.
fn message_status<'j>(
    flattening: &mut Flattening<'_>,
    body: &'j Json<'j>,
) -> Result<serde_json::Value, InvalidRequest> {
    let wamid = required(body, "wamid")?;
    let person = phone(flattening, body, "recipient_id")?;
    let status = required(body, "status")?;
    required(body, "timestamp")?;
    let time = instant(body.get("timestamp"))
        .ok_or(InvalidRequest::Invalid { field: "timestamp", expected: "a time of ISO 8601 or a Unix time" })?;

    let mut draft: Draft<Status> = flattening.draft(&time, &Scope::default());
    let response = serde_json::json!({ "ok": true, "status": status.value });
    flattening.note(&mut draft, "message_id", &wamid);
    draft.columns.message_id = wamid.value;
    flattening.note(&mut draft, "status", &status);
    draft.columns.status = status.value;
    fill!(flattening, draft, { wa_id: person.wa_id, user_id: person.user_id, });
    if let Some(error) = body.get("errors").items().next() {
        fill_error(flattening, &mut draft, error);
    }
    flattening.push(draft);
    Ok(response)
}
