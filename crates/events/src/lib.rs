//! Converts webhook bodies to records. No I/O, and no clock of its own.
//!
//! [`flatten`] is the entry point. A [`Route`] identifies the provider that sent the body, `providers/` has one file
//! per provider, and a [`Record`] is a row of one of the lake's tables.

mod archived;
mod auth_scheme;
mod click;
mod definition;
mod digest;
mod extracted;
mod flattening;
mod json;
mod limits;
mod line;
mod lines;
mod map_id;
mod options;
mod payload;
mod person;
mod providers;
mod pseudonymised;
pub mod record;
mod redact;
mod route;
pub mod signature;
mod status_error;
mod time;
mod words;

pub use archived::{ArchivedBody, UnusableLine};
pub use auth_scheme::{AuthScheme, Credential};
pub use definition::InvalidRequest;
pub use flattening::Explained;
pub use json::Unreadable;
pub use lines::{Line, Lines};
pub use map_id::map_id;
pub use options::{Options, PseudonymKey};
pub use person::recipient_id;
pub use providers::{Provider, UnknownProvider};
pub use pseudonymised::pseudonymised;
pub use record::Record;
pub use route::Route;

use flattening::{AccountEventParts, Finished, Flattening, Scope};
use json::{Arena, Json};
use payload::Keep;

/// The records of a body, and the response to its sender.
#[derive(Clone, Debug)]
pub struct Flattened {
    /// The records, in the order of the body.
    pub records: Vec<Record>,
    /// The JSON body of the response with status 200.
    pub response: serde_json::Value,
}

/// Why a body yields no records.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlattenError {
    /// A webhook that cannot be parsed. Its sender cannot correct it, so store it as an [`unreadable_record`].
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A request that its caller must correct (status 400).
    #[error(transparent)]
    Request(#[from] InvalidRequest),
}

/// Flattens a body: each event in it becomes a record.
///
/// `route` is a [`Route`]. A [`Provider`] is accepted, too: if the provider has several requests, as `tracker` has, the
/// shape of the body then decides which of them it is. `received_at` is in milliseconds since 1970, UTC. A body of an
/// unknown shape becomes a record of `account_events`, so that nothing is lost.
///
/// ```
/// use bluetick_events::{Options, Provider, flatten};
///
/// let body = br#"{"wa_id":"wamid.X","to":"+49 155 5010001","status":"read","timestamp":"2026-11-20T10:00:00Z"}"#;
/// let records = flatten(Provider::Woosh, body, 1_795_176_000_000, &Options::default())?.records;
/// assert_eq!(records[0].table(), "statuses");
/// assert_eq!(records[0].event_ts(), 1_795_168_800_000);
/// # Ok::<(), bluetick_events::FlattenError>(())
/// ```
///
/// # Errors
/// See [`FlattenError`].
pub fn flatten(
    route: impl Into<Route>,
    body: &[u8],
    received_at: i64,
    options: &Options,
) -> Result<Flattened, FlattenError> {
    let route = route.into();
    let flattening = Flattening::new(route.provider().name(), received_at, options);
    let (finished, response) = run(flattening, route, body)?;
    Ok(Flattened { records: finished.records.into_iter().map(|explained| explained.record).collect(), response })
}

/// The records of a body as lines, and the response to its sender.
#[derive(Clone, Debug)]
pub struct FlattenedLines {
    /// The lines of the records.
    pub lines: Lines,
    /// The JSON body of the response with status 200.
    pub response: serde_json::Value,
}

/// As [`flatten`], but returns each record as the line that [`Record::write_line`] writes. This is several times as
/// fast, because each text is copied only once: from the body into the line, and not into a record first.
///
/// # Errors
/// See [`FlattenError`].
pub fn flatten_lines(
    route: impl Into<Route>,
    body: &[u8],
    received_at: i64,
    options: &Options,
) -> Result<FlattenedLines, FlattenError> {
    let route = route.into();
    let mut flattening = Flattening::new(route.provider().name(), received_at, options);
    flattening.write_lines(body.len());
    let (finished, response) = run(flattening, route, body)?;
    Ok(FlattenedLines { lines: finished.lines, response })
}

/// As [`flatten`], but returns the records with the source of each column, and no response.
///
/// # Errors
/// See [`FlattenError`].
pub fn flatten_explained(
    route: impl Into<Route>,
    body: &[u8],
    received_at: i64,
    options: &Options,
) -> Result<Vec<Explained>, FlattenError> {
    let route = route.into();
    let mut flattening = Flattening::new(route.provider().name(), received_at, options);
    flattening.explain();
    run(flattening, route, body).map(|(finished, _)| finished.records)
}

fn run(
    mut flattening: Flattening<'_>,
    route: Route,
    body: &[u8],
) -> Result<(Finished, serde_json::Value), FlattenError> {
    let arena = Arena::for_body(body);
    match route.request {
        None => {
            read_webhook(&mut flattening, route.provider(), &Json::parse(&arena, body)?)?;
            Ok((flattening.finish()?, serde_json::json!({ "ok": true })))
        }
        Some(request) => {
            let body = Json::parse(&arena, body).map_err(InvalidRequest::from)?;
            if !body.is_object() {
                return Err(InvalidRequest::from(Unreadable::NotAnObject(body.kind())).into());
            }
            flattening.learn_paths(&body, "$");
            let response = (request.flatten)(&mut flattening, &body)?;
            Ok((flattening.finish().map_err(InvalidRequest::from)?, response))
        }
    }
}

/// Flattens a body, which is an object or a list that contains an object.
fn read_webhook(flattening: &mut Flattening<'_>, provider: Provider, body: &Json<'_>) -> Result<(), Unreadable> {
    flattening.learn_paths(body, "$");
    match body {
        Json::Object(_) => read_object(flattening, provider, body),
        Json::Array(bodies) if bodies.iter().any(Json::is_object) => {
            flattening.each(body.items(), |flattening, body| read_object(flattening, provider, body));
        }
        other => return Err(Unreadable::NotAnObject(other.kind())),
    }
    Ok(())
}

fn read_object<'j>(flattening: &mut Flattening<'_>, provider: Provider, body: &'j Json<'j>) {
    let is_known = (provider.definition().flatten)(flattening, body);
    if !is_known {
        let kind = body.first(&["type", "event", "eventType", "field", "object"]).as_str().unwrap_or("unknown");
        flattening.account_event(&Scope::default(), AccountEventParts::new(kind, body, Keep::Everything));
    }
}

/// A record of `account_events` with type `unreadable`. It stores a body that cannot be parsed.
///
/// Its payload is an object with the `reason`, and the body as `body` if it is UTF-8, otherwise in hexadecimal as
/// `body_hex`, so that no byte is lost. With a pseudonym key, phone numbers in it are hashed, and bytes that are not
/// UTF-8 are replaced. The line may exceed the size of a Firehose record; a caller with such a limit must check its
/// length.
pub fn unreadable_record(
    provider: Provider,
    body: &[u8],
    received_at: i64,
    options: &Options,
    reason: &Unreadable,
) -> Record {
    let reason = reason.to_string();
    let payload = match (std::str::from_utf8(body), &options.pseudonym_key) {
        (Ok(text), None) => serde_json::json!({ "reason": reason, "body": text }),
        (Err(_), None) => serde_json::json!({ "reason": reason, "body_hex": digest::hex(body) }),
        (_, Some(key)) => {
            let text = pseudonymised::without_numbers(&String::from_utf8_lossy(body), key).into_owned();
            serde_json::json!({ "reason": reason, "body": text })
        }
    }
    .to_string();
    let common =
        record::Common { event_ts: received_at, provider: provider.name(), received_at, ..record::Common::default() };
    Record::AccountEvent(Box::new(record::AccountEvent {
        common,
        event_id: digest::hash(&["unreadable", &payload]).into(),
        r#type: Some("unreadable".into()),
        payload: Some(payload.into()),
        ..record::AccountEvent::default()
    }))
}
