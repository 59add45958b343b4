//! The systems whose history can be imported, and the conversion of their rows to webhooks.

use bluetick_events::{Provider, Route};
use serde_json::{Map, Value, json};

use super::table::Row;

/// A system whose history can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Source {
    /// CSV of a Django message log: a row for each message, with the times of its statuses
    DjangoMessageLogs,
    /// CSV of an Interakt application's table message_status_logs: a row for each status or click
    MessageStatusLogs,
    /// CSV of Woosh Bridge's table router.status_events: a row for each status
    WooshStatusEvents,
    /// NDJSON of a function that writes button clicks to Firehose: a line for each click
    ButtonClicks,
}

/// A webhook that reports the content of a row.
#[derive(Debug)]
pub(crate) struct Body {
    /// The route at which it would have been received.
    pub(crate) route: Route,
    /// The body.
    pub(crate) json: Value,
}

/// The result for a row: webhook bodies, and error messages for parts that could not be converted.
pub(crate) type Bodies = Vec<Result<Body, String>>;

const TRACK_SEND: &str = "/api/webhooks/track-send";
const MESSAGE_STATUS: &str = "/api/webhooks/message-status";

const MESSAGE_ID: &[&str] = &["wamid", "template_wamid", "message_id"];
const RECIPIENT: &[&str] = &["recipient_id", "wa_id", "contact_phone"];
const SENT_AT: &[&str] = &["sent_at", "created_at"];
const EVENT_TIME: &[&str] = &["event_ts", "timestamp", "created_at"];
const FAILED_AT: &[&str] = &["failed_at", "updated_at"];
const ERROR_TEXT: &[&str] = &["error_message", "error"];

impl Source {
    /// Whether the export is CSV; otherwise it is NDJSON.
    pub(crate) fn is_csv(self) -> bool {
        self != Source::ButtonClicks
    }

    /// Checks that a CSV file has all required columns.
    ///
    /// # Errors
    /// The text names the missing columns and the existing ones.
    pub(crate) fn check_header(self, header: &[&str]) -> Result<(), String> {
        let groups: &[&[&str]] = match self {
            Source::DjangoMessageLogs => &[MESSAGE_ID, RECIPIENT, SENT_AT],
            Source::MessageStatusLogs => &[&["message_id"], &["event_type", "status"], &["created_at"]],
            Source::WooshStatusEvents => &[&["wa_id", "message_id"], &["status"], EVENT_TIME],
            Source::ButtonClicks => &[],
        };
        match groups.iter().find(|group| !group.iter().any(|name| header.contains(name))) {
            Some(group) => Err(format!("no column {}; the columns are {}", group.join(" or "), header.join(", "))),
            None => Ok(()),
        }
    }

    /// Converts a row to the webhooks that reported its content.
    pub(crate) fn bodies(self, row: &Row) -> Bodies {
        match self {
            Source::DjangoMessageLogs => message_log(row),
            Source::MessageStatusLogs => vec![status_log(row)],
            Source::WooshStatusEvents => vec![woosh_status(row)],
            Source::ButtonClicks => vec![button_click(row)],
        }
    }
}

/// The value of the first of these columns that has one.
fn first(row: &Row, names: &[&str]) -> Option<Value> {
    names.iter().find_map(|name| row.get(*name)).cloned()
}

fn required(row: &Row, names: &[&str]) -> Result<Value, String> {
    first(row, names).ok_or_else(|| format!("no value in {}", names.join(" or ")))
}

fn provider(provider: Provider, json: Value) -> Body {
    Body { route: Route::from(provider), json }
}

fn tracker(path: &'static str, json: Value) -> Result<Body, String> {
    let route = Route::find(path).ok_or_else(|| format!("no provider has the route {path}"))?;
    Ok(Body { route, json })
}

/// A JSON object with the members that have a value.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    members
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name.to_owned(), value)))
        .collect::<Map<_, _>>()
        .into()
}

/// One `track-send`, and one status for each timestamp in the log.
fn message_log(row: &Row) -> Bodies {
    let mut bodies = vec![sent_message(row)];
    for (names, status) in
        [(&["sent_at"][..], "sent"), (&["delivered_at"], "delivered"), (&["read_at"], "read"), (FAILED_AT, "failed")]
    {
        let has_failed = || first(row, &["status", "current_status"]).is_some_and(|value| value == "failed");
        match first(row, names) {
            // `updated_at` is the time of the failure only if the message failed.
            Some(_) if status == "failed" && !row.contains_key("failed_at") && !has_failed() => {}
            Some(time) => bodies.push(forwarded_status(row, status, time)),
            None if status == "failed" && has_failed() => {
                bodies.push(Err("the message failed, but no value in failed_at or updated_at says when".to_owned()));
            }
            None => {}
        }
    }
    bodies
}

fn sent_message(row: &Row) -> Result<Body, String> {
    let mut body = object([
        ("template_wamid", Some(required(row, MESSAGE_ID)?)),
        ("wa_id", Some(required(row, RECIPIENT)?)),
        ("sent_at", Some(required(row, SENT_AT)?)),
        ("event_registration_id", first(row, &["event_registration_id", "registration_id"])),
    ]);
    let same_names = [
        "event_id",
        "template_name",
        "template_language",
        "flow_type",
        "message_type",
        "guest_id",
        "guest_name",
        "ticket_id",
        "campaign_id",
        "lift_id",
        "floor",
    ];
    if let Some(members) = body.as_object_mut() {
        members.extend(same_names.iter().filter_map(|name| Some(((*name).to_owned(), row.get(*name)?.clone()))));
    }
    tracker(TRACK_SEND, body)
}

fn forwarded_status(row: &Row, status: &str, time: Value) -> Result<Body, String> {
    let error = object([("code", first(row, &["error_code"])), ("title", first(row, ERROR_TEXT))]);
    let has_error = status == "failed" && error.as_object().is_some_and(|members| !members.is_empty());
    tracker(
        MESSAGE_STATUS,
        object([
            ("wamid", Some(required(row, MESSAGE_ID)?)),
            ("recipient_id", Some(required(row, RECIPIENT)?)),
            ("status", Some(status.into())),
            ("timestamp", Some(time)),
            ("errors", has_error.then(|| json!([error]))),
        ]),
    )
}

/// Interakt's webhook for a status or click. If the row has no event name, it is `message_api_` followed by the
/// status.
fn status_log(row: &Row) -> Result<Body, String> {
    let time = required(row, &["created_at"])?;
    let click = object([
        ("click_type", first(row, &["click_type"])),
        ("button_text", first(row, &["button_text"])),
        ("click_timestamp", Some(time.clone())),
    ]);
    let is_click = row.contains_key("click_type") || row.contains_key("button_text");
    let status = first(row, &["status"]);
    let stated = status.as_ref().and_then(Value::as_str).map(|status| format!("message_api_{}", status.to_lowercase()));
    let kind = first(row, &["event_type"]).or(stated.map(Value::from)).ok_or("no value in event_type or status")?;
    let message = object([
        ("id", Some(required(row, &["message_id"])?)),
        ("message_status", status),
        ("channel_failure_reason", first(row, &["failure_reason"])),
        ("channel_error_code", first(row, &["error_code"])),
    ]);
    let customer = object([("channel_phone_number", first(row, &["customer_phone"]))]);
    let body = object([
        ("timestamp", Some(time)),
        ("type", Some(kind)),
        ("data", Some(json!({ "customer": customer, "message": message }))),
        ("event", is_click.then_some(click)),
    ]);
    Ok(provider(Provider::Interakt, body))
}

/// Woosh's webhook for a status. If a column contains the whole payload, all of its fields are used.
fn woosh_status(row: &Row) -> Result<Body, String> {
    let id = required(row, &["wa_id", "message_id"])?;
    let time = required(row, EVENT_TIME)?;
    let error = object([("code", first(row, &["error_code"])), ("title", first(row, ERROR_TEXT))]);
    let has_error = error.as_object().is_some_and(|members| !members.is_empty());
    let mut data = object([
        ("id", Some(id.clone())),
        ("status", Some(required(row, &["status"])?)),
        ("timestamp", Some(time.clone())),
        ("recipient_id", first(row, &["recipient_id"])),
        ("errors", has_error.then(|| json!([error]))),
    ]);
    if let Some(payload) = first(row, &["raw_payload", "payload"]) {
        let stored = payload_object(&payload)?;
        if let Some(members) = data.as_object_mut() {
            members.extend(stored);
        }
    }
    let body = object([
        ("type", Some("message.status".into())),
        ("wa_id", Some(id)),
        ("event_ts", Some(time)),
        ("tenant_id", first(row, &["tenant_id"])),
        ("data", Some(data)),
    ]);
    Ok(provider(Provider::Woosh, body))
}

/// The status object in a JSON column: the status itself, or a webhook with the status in `data`.
fn payload_object(value: &Value) -> Result<Map<String, Value>, String> {
    let parsed = match value {
        Value::String(text) => {
            serde_json::from_str(text).map_err(|error| format!("raw_payload is not JSON: {error}"))?
        }
        other => other.clone(),
    };
    match parsed {
        Value::Object(mut members) => match members.remove("data") {
            Some(Value::Object(data)) => Ok(data),
            _ => Ok(members),
        },
        _ => Err("raw_payload is not a JSON object".to_owned()),
    }
}

/// Meta's webhook for a click. The exporting function did not keep the click's own id.
fn button_click(row: &Row) -> Result<Body, String> {
    let message = object([
        ("from", Some(required(row, &["wa_id"])?)),
        ("timestamp", Some(required(row, &["timestamp"])?)),
        ("type", Some("interactive".into())),
        ("context", first(row, &["context_id"]).map(|id| json!({ "id": id }))),
        (
            "interactive",
            Some(json!({
                "type": "button_reply",
                "button_reply": {
                    "id": required(row, &["button_id"])?,
                    "title": first(row, &["button_text"]),
                },
            })),
        ),
    ]);
    let change = json!({ "field": "messages", "value": { "messaging_product": "whatsapp", "messages": [message] } });
    let body = json!({ "object": "whatsapp_business_account", "entry": [{ "changes": [change] }] });
    Ok(provider(Provider::Meta, body))
}

#[cfg(test)]
mod tests {
    use bluetick_events::{Options, Record, flatten};

    use super::*;

    const RECEIVED_AT: i64 = 1_795_176_000_000;

    fn row(pairs: &[(&str, &str)]) -> Row {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect()
    }

    fn records(source: Source, pairs: &[(&str, &str)]) -> Vec<Value> {
        let bodies = source.bodies(&row(pairs)).into_iter().map(Result::unwrap);
        let flattened = bodies.flat_map(|body| {
            flatten(body.route, body.json.to_string().as_bytes(), RECEIVED_AT, &Options::default()).unwrap().records
        });
        flattened.map(|record| as_json(&record)).collect()
    }

    fn as_json(record: &Record) -> Value {
        let mut line = Vec::new();
        record.write_line(&mut line);
        serde_json::from_slice(&line).unwrap()
    }

    #[test]
    fn a_message_log_becomes_a_send_and_its_statuses() {
        let found = records(
            Source::DjangoMessageLogs,
            &[
                ("wamid", "wamid.1"),
                ("recipient_id", "+91 98765 43210"),
                ("template_name", "rsvp"),
                ("registration_id", "r1"),
                ("status", "failed"),
                ("sent_at", "2024-01-15 10:30:00+00:00"),
                ("failed_at", "2024-01-15T10:30:05Z"),
                ("error_code", "131026"),
                ("error_message", "Undeliverable"),
            ],
        );
        let tables: Vec<_> = found.iter().map(|line| line["table"].as_str().unwrap()).collect();
        assert_eq!(tables, ["sends", "statuses", "statuses"]);
        assert_eq!(found[0]["event_registration_id"], "r1");
        assert_eq!(found[0]["wa_id"], "919876543210");
        assert_eq!((&found[1]["status"], &found[1]["error_code"]), (&json!("sent"), &Value::Null));
        assert_eq!((&found[2]["status"], &found[2]["error_code"]), (&json!("failed"), &json!(131_026)));
        assert_eq!(found[2]["event_ts"], 1_705_314_605_000_i64);
    }

    #[test]
    fn a_failure_without_a_time_is_told_and_the_send_is_kept() {
        let bodies = Source::DjangoMessageLogs.bodies(&row(&[
            ("wamid", "m"),
            ("wa_id", "49155501"),
            ("status", "failed"),
            ("created_at", "2024-01-15 10:30"),
        ]));
        assert_eq!(bodies.len(), 2);
        assert!(bodies[0].is_ok());
        assert!(bodies[1].as_ref().unwrap_err().contains("failed_at"));
    }

    #[test]
    fn an_imported_status_of_woosh_is_that_of_its_webhook() {
        let payload = r#"{"id":"wamid.1","status":"delivered","timestamp":"1696166122","recipient_id":"27824537125",
            "pricing":{"billable":true,"category":"service"}}"#;
        let webhook = format!(
            r#"{{"type":"message.status","wa_id":"wamid.1","event_ts":"2023-10-01T13:15:22Z","tenant_id":"t","data":{payload}}}"#
        );
        let live = flatten(Provider::Woosh, webhook.as_bytes(), RECEIVED_AT, &Options::default()).unwrap().records;
        let columns = [("wa_id", "wamid.1"), ("status", "delivered"), ("tenant_id", "t")];
        let time = [("event_ts", "2023-10-01 13:15:22+00"), ("raw_payload", payload)];
        assert_eq!(records(Source::WooshStatusEvents, &[&columns[..], &time].concat()), [as_json(&live[0])]);
    }

    #[test]
    fn an_imported_click_of_interakt_has_the_id_of_its_webhook() {
        let webhook = br#"{"timestamp":"2025-12-17T10:30:00.000Z","type":"message_api_clicked",
            "data":{"customer":{"channel_phone_number":"+919876543210"},"message":{"id":"msg-12345"}},
            "event":{"click_type":"QR","button_text":"Confirm Order","click_timestamp":"2025-12-17 10:30:00.000000"}}"#;
        let live = flatten(Provider::Interakt, webhook, RECEIVED_AT, &Options::default()).unwrap().records;
        let imported = records(
            Source::MessageStatusLogs,
            &[
                ("message_id", "msg-12345"),
                ("event_type", "message_api_clicked"),
                ("customer_phone", "+919876543210"),
                ("click_type", "QR"),
                ("button_text", "Confirm Order"),
                ("created_at", "2025-12-17 10:30:00"),
            ],
        );
        assert_eq!(imported, [as_json(&live[0])]);
    }

    #[test]
    fn a_line_of_the_function_becomes_a_click() {
        let found = records(
            Source::ButtonClicks,
            &[
                ("timestamp", "2023-10-01T00:00:01.250Z"),
                ("wa_id", "987654321"),
                ("button_id", "offer"),
                ("button_text", "Accept"),
                ("context_id", "wamid.1"),
            ],
        );
        assert_eq!(found.len(), 1);
        assert_eq!((&found[0]["kind"], &found[0]["message_id"]), (&json!("button_reply"), &json!("wamid.1")));
        assert_eq!(found[0]["event_ts"], 1_696_118_401_250_i64);
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = |source: Source, pairs: &[(&str, &str)]| source.bodies(&row(pairs)).remove(0).unwrap_err();
        assert!(error(Source::WooshStatusEvents, &[("wa_id", "m"), ("event_ts", "1")]).contains("status"));
        assert!(error(Source::ButtonClicks, &[("timestamp", "2026-01-01T00:00:00Z")]).contains("wa_id"));
        assert!(error(Source::MessageStatusLogs, &[("message_id", "m"), ("created_at", "1")]).contains("event_type"));
        let payload = [("wa_id", "m"), ("status", "read"), ("event_ts", "1"), ("raw_payload", "{")];
        assert!(error(Source::WooshStatusEvents, &payload).contains("not JSON"));
        let header = Source::WooshStatusEvents.check_header(&["id", "status"]);
        assert!(header.unwrap_err().contains("wa_id or message_id"));
    }
}
