//! The customer's own application: what it sent, and statuses that it forwards.

use crate::bounds::MAX_BUTTONS;
use crate::flattening::{Draft, Flattening, Scope, fill};
use crate::found::{Found, id, text};
use crate::json::{Json, Unreadable};
use crate::meta::fill_error;
use crate::options::{Options, Provider, hash};
use crate::person::Person;
use crate::record::{Record, Send, Status};
use crate::time::instant;

/// The two POSTs of the tracking API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Route {
    /// `POST /api/webhooks/track-send/`
    TrackSend,
    /// `POST /api/webhooks/message-status/`
    MessageStatus,
}

/// The records of a request, and the body of its answer.
#[derive(Clone, Debug)]
pub struct Handled {
    /// One record a request.
    pub records: Vec<Record>,
    /// What the application is answered, with status 200.
    pub response: serde_json::Value,
}

/// A request that the caller must correct: status 400.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallerError {
    /// The body cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A required field is missing.
    #[error("field {0} is required")]
    Missing(&'static str),
    /// A field does not hold what it must.
    #[error("field {field} must be {expected}")]
    Invalid {
        /// Its name.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
}

/// Reads a request of the application. `received_at` is in milliseconds since 1970, UTC.
///
/// # Errors
/// A [`CallerError`] whose text names the field.
pub fn handle(route: Route, body: &[u8], received_at: i64, options: &Options) -> Result<Handled, CallerError> {
    let body = Json::parse(body)?;
    if !body.is_object() {
        return Err(Unreadable::NotAnObject(body.kind()).into());
    }
    let mut flattening = Flattening::new(Provider::Tracker, received_at, options);
    let response = match route {
        Route::TrackSend => track_send(&mut flattening, &body)?,
        Route::MessageStatus => message_status(&mut flattening, &body)?,
    };
    let records = flattening.finish()?.into_iter().map(|explained| explained.record).collect();
    Ok(Handled { records, response })
}

/// Reads a body of either route by its shape; false if it is neither, or lacks what its route requires.
pub(crate) fn flatten<'j>(flattening: &mut Flattening<'_>, body: &'j Json<'j>) -> bool {
    if body.get("template_wamid").is_null() {
        message_status(flattening, body).is_ok()
    } else {
        track_send(flattening, body).is_ok()
    }
}

fn required<'j>(body: &'j Json<'j>, field: &'static str) -> Result<Found<'j, String>, CallerError> {
    let node = body.get(field);
    match id(node) {
        Some(found) if !found.value.trim().is_empty() => Ok(found),
        None if !node.is_null() && !matches!(node, Json::String(_)) => {
            Err(CallerError::Invalid { field, expected: "a string" })
        }
        _ => Err(CallerError::Missing(field)),
    }
}

fn phone<'j>(flattening: &Flattening<'_>, body: &'j Json<'j>, field: &'static str) -> Result<Person<'j>, CallerError> {
    required(body, field)?;
    let person = Person::of(flattening.options, &[body.get(field)]);
    if person.wa_id.is_none() && person.user_id.is_none() {
        return Err(CallerError::Invalid { field, expected: "a phone number" });
    }
    Ok(person)
}

fn track_send<'j>(flattening: &mut Flattening<'_>, body: &'j Json<'j>) -> Result<serde_json::Value, CallerError> {
    let person = phone(flattening, body, "wa_id")?;
    let wamid = required(body, "template_wamid")?;
    let sent_at = body.get("sent_at");
    let time = match instant(sent_at) {
        Some(time) => time,
        None if sent_at.is_null() => flattening.receipt(),
        None => return Err(CallerError::Invalid { field: "sent_at", expected: "a time of ISO 8601 or a Unix time" }),
    };
    let event_id = id(body.get("event_id"));
    let registration_id = id(body.get("event_registration_id"));
    let standalone = event_id.is_none() && registration_id.is_none();
    let default = |value: &str| Some(Found::made(value.to_owned(), "default"));

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
        standalone: Some(Found::made(standalone, "whether event_id and event_registration_id are missing")),
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

fn buttons<'j>(node: &'j Json<'j>) -> Result<Option<Found<'j, Vec<String>>>, CallerError> {
    if node.is_null() {
        return Ok(None);
    }
    let invalid = CallerError::Invalid { field: "buttons", expected: "a list of up to 100 button ids" };
    let items = node.items();
    if !node.is_array() || items.len() > MAX_BUTTONS {
        return Err(invalid);
    }
    let ids: Option<Vec<_>> = items.map(|item| id(item).map(|found| found.value)).collect();
    ids.map(|ids| Some(Found::copied(ids, node))).ok_or(invalid)
}

fn message_status<'j>(flattening: &mut Flattening<'_>, body: &'j Json<'j>) -> Result<serde_json::Value, CallerError> {
    let wamid = required(body, "wamid")?;
    let person = phone(flattening, body, "recipient_id")?;
    let status = required(body, "status")?;
    required(body, "timestamp")?;
    let time = instant(body.get("timestamp"))
        .ok_or(CallerError::Invalid { field: "timestamp", expected: "a time of ISO 8601 or a Unix time" })?;

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

/// The id of a send in the form of a UUID: the first bits of a hash of the message id, marked as version 8 of RFC 9562, which is the
/// one for hashes of one's own choice. No table of sends is kept, so that the same send is answered the same id.
pub fn map_id(message_id: &str) -> String {
    let digest = hash(&["bluetick send", message_id]);
    let field = |range: std::ops::Range<usize>| digest.get(range).unwrap_or_default();
    format!("{}-{}-8{}-8{}-{}", field(0..8), field(8..12), field(12..15), field(15..18), field(18..30))
}
