//! Provider adapters, signatures, records: bytes in, records out. Pure: no I/O, no clock of its own.

mod bounds;
mod flattening;
mod found;
mod interakt;
mod json;
mod meta;
mod options;
mod payload;
mod person;
pub mod record;
pub mod signature;
mod time;
pub mod tracker;
mod wasender;
mod woosh;

pub use flattening::Explained;
pub use json::Unreadable;
pub use options::{Options, Provider, PseudonymKey, UnknownProvider};
pub use person::recipient_id;
pub use record::Record;

use flattening::{AccountEventParts, Flattening, Scope};
use json::Json;
use payload::Keep;

/// Flattens the body of a webhook: every event it holds becomes a record.
///
/// `received_at` is in milliseconds since 1970, UTC. What is no event of a known shape becomes a record of `account_events`, so
/// that nothing is lost.
///
/// ```
/// use bluetick_events::{Options, Provider, flatten};
///
/// let body = br#"{"wa_id":"wamid.X","to":"+49 155 5010001","status":"read","timestamp":"2026-11-20T10:00:00Z"}"#;
/// let records = flatten(Provider::Woosh, body, 1_795_176_000_000, &Options::default())?;
/// assert_eq!(records[0].table(), "statuses");
/// assert_eq!(records[0].event_ts(), 1_795_168_800_000);
/// # Ok::<(), bluetick_events::Unreadable>(())
/// ```
///
/// # Errors
/// The body cannot be read; [`unreadable_record`] keeps it.
pub fn flatten(
    provider: Provider,
    body: &[u8],
    received_at: i64,
    options: &Options,
) -> Result<Vec<Record>, Unreadable> {
    let records = run(Flattening::new(provider, received_at, options), body)?;
    Ok(records.into_iter().map(|explained| explained.record).collect())
}

/// As [`flatten`], and says of each column where in the body it comes from.
///
/// # Errors
/// As [`flatten`].
pub fn flatten_explained(
    provider: Provider,
    body: &[u8],
    received_at: i64,
    options: &Options,
) -> Result<Vec<Explained>, Unreadable> {
    let mut flattening = Flattening::new(provider, received_at, options);
    flattening.explain();
    run(flattening, body)
}

fn run(mut flattening: Flattening<'_>, body: &[u8]) -> Result<Vec<Explained>, Unreadable> {
    let body = Json::parse(body)?;
    flattening.learn_paths(&body, "$");
    match &body {
        Json::Object(_) => flatten_object(&mut flattening, &body),
        Json::Array(bodies) if bodies.iter().any(Json::is_object) => flattening.each(body.items(), flatten_object),
        other => return Err(Unreadable::NotAnObject(other.kind())),
    }
    flattening.finish()
}

fn flatten_object<'j>(flattening: &mut Flattening<'_>, body: &'j Json<'j>) {
    let understood = match flattening.provider {
        Provider::Meta => meta::flatten(flattening, body),
        Provider::Woosh => woosh::flatten(flattening, body),
        Provider::Interakt => interakt::flatten(flattening, body),
        Provider::Wasender => wasender::flatten(flattening, body),
        Provider::Tracker => tracker::flatten(flattening, body),
    };
    if !understood {
        let kind = body.first(&["type", "event", "eventType", "field", "object"]).as_str().unwrap_or("unknown");
        flattening.account_event(&Scope::default(), AccountEventParts::new(kind, body, Keep::Everything));
    }
}

/// The record that keeps a body which cannot be read: `account_events`, type `unreadable`.
///
/// Its payload is an object: `reason`, and the body as `body` if it is UTF-8, else as `body_hex` (hexadecimal), so that no byte is
/// lost. It may be longer than a line of Firehose; a caller who needs a limit checks the line.
pub fn unreadable_record(provider: Provider, body: &[u8], received_at: i64, reason: &Unreadable) -> Record {
    let reason = reason.to_string();
    let payload = match std::str::from_utf8(body) {
        Ok(text) => serde_json::json!({ "reason": reason, "body": text }),
        Err(_) => serde_json::json!({ "reason": reason, "body_hex": options::hex(body) }),
    }
    .to_string();
    let common =
        record::Common { event_ts: received_at, provider: provider.name(), received_at, ..record::Common::default() };
    Record::AccountEvent(Box::new(record::AccountEvent {
        common,
        event_id: options::hash(&["unreadable", &payload]),
        r#type: "unreadable".to_owned(),
        payload: Some(payload),
        ..record::AccountEvent::default()
    }))
}
