//! The tracking API: the customer's own application reports messages that it sent, and forwards statuses.

use std::collections::BTreeMap;

use crate::auth_scheme::AuthScheme;
use crate::definition::{Definition, InvalidRequest, RequestRoute};
use crate::extracted::{Extracted, Text, id, text};
use crate::flattening::{Draft, Flattening, Scope, fill};
use crate::json::Json;
use crate::limits::{MAX_BUTTONS, truncate};
use crate::map_id::map_id;
use crate::person::Person;
use crate::pseudonymised::pseudonymised;
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

/// Adds the record of a body whose route is unknown: a send if the body has a field of [`MESSAGE_ID`], otherwise a
/// status. Returns `false` if a required field is missing.
fn flatten<'j>(flattening: &mut Flattening<'_>, body: &'j Json<'j>) -> bool {
    if body.first(MESSAGE_ID).is_null() {
        message_status(flattening, body).is_ok()
    } else {
        track_send(flattening, body).is_ok()
    }
}

/// Required fields of `track-send`, with alternative names that other systems use. If a body has both names, the
/// first is used.
const MESSAGE_ID: &[&str] = &["template_wamid", "message_id"];
const RECIPIENT: &[&str] = &["wa_id", "contact_phone"];
/// Optional fields of `track-send`. The answer lists all other fields as unknown.
const OPTIONAL: &[&str] = &[
    "sent_at",
    "updated_at",
    "event_id",
    "event_registration_id",
    "template_name",
    "template_language",
    "flow_type",
    "message_type",
    "guest_id",
    "guest_name",
    "ticket_id",
    "campaign_id",
    "buttons",
    "attributes",
];
/// Fields that are message attributes even outside the object `attributes`.
const ATTRIBUTES: &[&str] = &["lift_id", "floor"];
const MAX_ATTRIBUTES: usize = 20;
const MAX_ATTRIBUTE_NAME_BYTES: usize = 64;
const MAX_ATTRIBUTE_BYTES: usize = 512;

/// The name that a body uses for a field.
fn name_in(body: &Json<'_>, names: &[&'static str]) -> &'static str {
    let given = names.iter().find(|name| !body.get(name).is_null());
    given.or_else(|| names.first()).copied().unwrap_or_default()
}

/// The text of a required field.
fn required<'j>(body: &'j Json<'j>, field: &'static str) -> Result<Text<'j>, InvalidRequest> {
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
    if person.wa_id.is_none() && !person.user_id.as_ref().is_some_and(|user_id| is_user_id(&user_id.value)) {
        return Err(InvalidRequest::Invalid { field, expected: "a phone number or a user id" });
    }
    Ok(person)
}

/// Whether a text is a business-scoped user id of Meta: country code, full stop and id.
fn is_user_id(text: &str) -> bool {
    let is_country = |country: &str| country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
    text.split_once('.').is_some_and(|(country, id)| is_country(country) && !id.is_empty())
}

/// The time in an optional field.
fn optional_time<'j>(body: &'j Json<'j>, field: &'static str) -> Result<Option<Extracted<'j, i64>>, InvalidRequest> {
    let node = body.get(field);
    match instant(node) {
        None if !node.is_null() => {
            Err(InvalidRequest::Invalid { field, expected: "a time of ISO 8601 or a Unix time" })
        }
        time => Ok(time),
    }
}

/// The message attributes by name, including those of [`ATTRIBUTES`] beside the object. `None` if there are none.
fn attributes<'j>(body: &'j Json<'j>) -> Result<Option<Extracted<'j, BTreeMap<String, String>>>, InvalidRequest> {
    let node = body.get("attributes");
    let invalid = || InvalidRequest::Invalid {
        field: "attributes",
        expected: "an object of up to 20 texts: names of up to 64 bytes, values of up to 512",
    };
    if !node.is_null() && !node.is_object() {
        return Err(invalid());
    }
    let mut found = BTreeMap::new();
    let beside = ATTRIBUTES.iter().map(|name| (*name, body.get(name)));
    let inside = node.members().iter().map(|(name, value)| (*name, value));
    for (name, value) in beside.chain(inside).filter(|(_, value)| !value.is_null()) {
        let value = id(value).ok_or_else(invalid)?.value;
        if name.len() > MAX_ATTRIBUTE_NAME_BYTES || value.len() > MAX_ATTRIBUTE_BYTES {
            return Err(invalid());
        }
        found.insert(name.to_owned(), value.into_owned());
    }
    if found.len() > MAX_ATTRIBUTES {
        return Err(invalid());
    }
    Ok((!found.is_empty()).then(|| Extracted::copied(found, node)))
}

/// The names of the members that `track-send` does not know.
fn unknown_fields(body: &Json<'_>) -> Vec<String> {
    let known = |name: &str| [MESSAGE_ID, RECIPIENT, OPTIONAL, ATTRIBUTES].iter().any(|names| names.contains(&name));
    let names = body.members().iter().map(|(name, _)| *name);
    let unknown = names.filter(|name: &&str| !known(name)).take(MAX_ATTRIBUTES);
    unknown.map(|name| truncate(name, MAX_ATTRIBUTE_NAME_BYTES).to_owned()).collect()
}

/// Handles `POST /api/webhooks/track-send/`: the application sent a message. A later call for the same message with
/// `updated_at` corrects the fields that it contains.
fn track_send<'j>(flattening: &mut Flattening<'_>, body: &'j Json<'j>) -> Result<serde_json::Value, InvalidRequest> {
    let person = phone(flattening, body, name_in(body, RECIPIENT))?;
    let wamid = required(body, name_in(body, MESSAGE_ID))?;
    let sent_at = optional_time(body, "sent_at")?;
    let updated_at = optional_time(body, "updated_at")?;
    let time = sent_at.unwrap_or_else(|| flattening.receipt());
    let event_id = id(body.get("event_id"));
    let registration_id = id(body.get("event_registration_id"));
    let standalone = event_id.is_none() && registration_id.is_none();
    // A correction that names no event does not say that the message belongs to none.
    let is_known = !(standalone && updated_at.is_some());

    let mut draft: Draft<Send<'j>> = flattening.draft(&time, &Scope::default());
    let message_id = wamid.value.clone();
    flattening.note(&mut draft, "message_id", &wamid);
    draft.columns.message_id = wamid.value;
    let guest_name = if flattening.options.pseudonym_key.is_some() { None } else { text(body.get("guest_name")) };
    fill!(flattening, draft, {
        wa_id: person.wa_id,
        template_name: text(body.get("template_name")),
        flow_type: id(body.get("flow_type")),
        message_type: id(body.get("message_type")),
        standalone: is_known.then(|| Extracted::computed(standalone, "whether event_id and event_registration_id are missing")),
        event_id: event_id,
        event_registration_id: registration_id,
        guest_id: id(body.get("guest_id")),
        guest_name: guest_name,
        ticket_id: id(body.get("ticket_id")),
        campaign_id: id(body.get("campaign_id")),
        buttons: buttons(body.get("buttons"))?,
        user_id: person.user_id,
        template_language: id(body.get("template_language")),
        sent_at: sent_at,
        attributes: attributes(body)?,
        updated_at: updated_at,
    });
    flattening.push(draft);
    let mut response = if standalone {
        serde_json::json!({ "ok": true, "standalone": true, "wamid": message_id })
    } else {
        serde_json::json!({ "ok": true, "map_id": map_id(&pseudonymised(&message_id, flattening.options)) })
    };
    let ignored = unknown_fields(body);
    if let (false, Some(fields)) = (ignored.is_empty(), response.as_object_mut()) {
        fields.insert("ignored".to_owned(), ignored.into());
    }
    Ok(response)
}

/// Parses the list of button ids.
fn buttons<'j>(node: &'j Json<'j>) -> Result<Option<Extracted<'j, Vec<String>>>, InvalidRequest> {
    if node.is_null() {
        return Ok(None);
    }
    let invalid = InvalidRequest::Invalid { field: "buttons", expected: "a list of up to 100 button ids" };
    let items = node.items();
    if !node.is_array() || items.len() > MAX_BUTTONS {
        return Err(invalid);
    }
    let ids: Option<Vec<_>> = items.map(|item| id(item).map(|id| id.value.into_owned())).collect();
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

    let mut draft: Draft<Status<'j>> = flattening.draft(&time, &Scope::default());
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
