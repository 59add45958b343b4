//! The tracking API: requests of the customer's application, and the exact responses.

use bluetick_events::{FlattenError, Flattened, InvalidRequest, Options, Provider, Route, flatten};
use serde_json::{Value, json};

use crate::support::RECEIVED_AT;

const TRACK_SEND: &str = "/api/webhooks/track-send/";
const MESSAGE_STATUS: &str = "/api/webhooks/message-status/";

fn call_with_bytes(path: &str, body: &[u8]) -> Result<Flattened, InvalidRequest> {
    match flatten(Route::find(path).unwrap(), body, RECEIVED_AT, &Options::default()) {
        Ok(flattened) => Ok(flattened),
        Err(FlattenError::Request(fault)) => Err(fault),
        Err(other) => panic!("not an error of a request: {other}"),
    }
}

fn call(path: &str, body: &Value) -> Result<Flattened, InvalidRequest> {
    call_with_bytes(path, body.to_string().as_bytes())
}

#[test]
fn a_send_for_an_event_is_answered_an_id() {
    let body = json!({ "wa_id": "919955500101", "event_id": "e-1", "template_wamid": "wamid.OUT0101" });
    let handled = call(TRACK_SEND, &body).unwrap();
    let map_id = handled.response["map_id"].as_str().unwrap();
    assert_eq!(handled.response, json!({ "ok": true, "map_id": map_id }));
    let groups: Vec<_> = map_id.split('-').map(str::len).collect();
    assert_eq!(groups, [8, 4, 4, 4, 12], "{map_id}");
    assert_eq!(&map_id[14..15], "8", "version of RFC 9562 in {map_id}");
    assert_eq!(&map_id[19..20], "8", "variant of RFC 9562 in {map_id}");
    assert_eq!(call(TRACK_SEND, &body).unwrap().response, handled.response, "the same send has the same id");
    let other = json!({ "wa_id": "919955500101", "event_registration_id": "r-1", "template_wamid": "wamid.OUT0102" });
    assert_ne!(call(TRACK_SEND, &other).unwrap().response, handled.response);
}

#[test]
fn a_standalone_send_is_answered_its_wamid() {
    let body = json!({ "wa_id": "919955500101", "template_wamid": "wamid.OUT0103" });
    let handled = call(TRACK_SEND, &body).unwrap();
    assert_eq!(handled.response, json!({ "ok": true, "standalone": true, "wamid": "wamid.OUT0103" }));
    assert_eq!(handled.records.len(), 1);
}

#[test]
fn a_status_is_answered_the_status() {
    let body = json!({
        "wamid": "wamid.OUT0101", "recipient_id": "919955500101", "status": "delivered", "timestamp": "2026-11-20T06:00:00Z"
    });
    let handled = call(MESSAGE_STATUS, &body).unwrap();
    assert_eq!(handled.response, json!({ "ok": true, "status": "delivered" }));
    assert_eq!(handled.records.len(), 1);
    assert_eq!(handled.records[0].event_ts(), 1_795_154_400_000);
}

#[test]
fn requests_and_flattened_bodies_give_the_same_records() {
    let send = json!({ "wa_id": "919955500101", "template_wamid": "wamid.OUT0103" });
    let status = json!({ "wamid": "w", "recipient_id": "919955500101", "status": "read", "timestamp": 1_795_168_800 });
    for (route, body) in [(TRACK_SEND, send), (MESSAGE_STATUS, status)] {
        let flat =
            flatten(Provider::Tracker, body.to_string().as_bytes(), RECEIVED_AT, &Options::default()).unwrap().records;
        assert_eq!(call(route, &body).unwrap().records, flat);
    }
}

#[test]
fn a_wrong_request_is_told_the_field() {
    let send = json!({ "wa_id": "919955500101", "template_wamid": "wamid.OUT0103" });
    let status = json!({ "wamid": "w", "recipient_id": "919955500101", "status": "read", "timestamp": 1_795_168_800 });
    let cases = [
        (TRACK_SEND, &send, "wa_id", Value::Null, "field wa_id is required"),
        (TRACK_SEND, &send, "wa_id", json!("  "), "field wa_id is required"),
        (TRACK_SEND, &send, "wa_id", json!("!"), "field wa_id must be a phone number or a user id"),
        (TRACK_SEND, &send, "wa_id", json!("abc"), "field wa_id must be a phone number or a user id"),
        (TRACK_SEND, &send, "updated_at", json!("later"), "field updated_at must be a time of ISO 8601 or a Unix time"),
        (
            TRACK_SEND,
            &send,
            "attributes",
            json!({ "lift": ["A"] }),
            "field attributes must be an object of up to 20 texts: names of up to 64 bytes, values of up to 512",
        ),
        (TRACK_SEND, &send, "wa_id", json!([]), "field wa_id must be a string"),
        (TRACK_SEND, &send, "template_wamid", json!(""), "field template_wamid is required"),
        (TRACK_SEND, &send, "template_wamid", json!({}), "field template_wamid must be a string"),
        (TRACK_SEND, &send, "sent_at", json!("soon"), "field sent_at must be a time of ISO 8601 or a Unix time"),
        (TRACK_SEND, &send, "buttons", json!("yes"), "field buttons must be a list of up to 100 button ids"),
        (TRACK_SEND, &send, "buttons", json!([[]]), "field buttons must be a list of up to 100 button ids"),
        (TRACK_SEND, &send, "buttons", json!(vec!["b"; 101]), "field buttons must be a list of up to 100 button ids"),
        (MESSAGE_STATUS, &status, "wamid", Value::Null, "field wamid is required"),
        (MESSAGE_STATUS, &status, "recipient_id", Value::Null, "field recipient_id is required"),
        (MESSAGE_STATUS, &status, "status", Value::Null, "field status is required"),
        (MESSAGE_STATUS, &status, "timestamp", Value::Null, "field timestamp is required"),
        (
            MESSAGE_STATUS,
            &status,
            "timestamp",
            json!("noon"),
            "field timestamp must be a time of ISO 8601 or a Unix time",
        ),
    ];
    for (route, right, field, value, message) in cases {
        let mut body = right.clone();
        body[field] = value;
        assert_eq!(call(route, &body).unwrap_err().to_string(), message);
    }
    let not_json = call_with_bytes(TRACK_SEND, b"wa_id=1").unwrap_err();
    assert_eq!(not_json.to_string(), "not valid JSON: it does not begin like an object at line 1 column 1");
    let list = call_with_bytes(TRACK_SEND, b"[]").unwrap_err();
    assert_eq!(list.to_string(), "expected a JSON object, found an array");
}

#[test]
fn a_send_takes_other_names_attributes_and_corrections() {
    let body = json!({
        "message_id": "wamid.OUT0105", "contact_phone": "+27 82 453 7125", "ticket_id": "EMG-2024-002", "lift_id": "LIFT-B", "floor": 7,
        "attributes": { "building": "East" }, "updated_at": "2026-11-20T06:00:00Z", "tikcet_id": "EMG", "template_language": "en_US"
    });
    let handled = call(TRACK_SEND, &body).unwrap();
    assert_eq!(
        handled.response,
        json!({ "ok": true, "standalone": true, "wamid": "wamid.OUT0105", "ignored": ["tikcet_id"] })
    );
    let record: Value = serde_json::to_value(&handled.records[0]).unwrap();
    let columns = [
        ("message_id", json!("wamid.OUT0105")),
        ("wa_id", json!("27824537125")),
        ("attributes", json!({ "building": "East", "floor": "7", "lift_id": "LIFT-B" })),
        ("updated_at", json!(1_795_154_400_000_i64)),
        ("sent_at", Value::Null),
        ("template_language", json!("en_US")),
    ];
    for (column, value) in columns {
        assert_eq!(record[column], value, "{column}");
    }
}

#[test]
fn a_user_id_names_the_recipient_of_a_send() {
    let body = json!({ "wa_id": "ZA.13491208655302741918", "template_wamid": "wamid.OUT0106" });
    let record = serde_json::to_value(&call(TRACK_SEND, &body).unwrap().records[0]).unwrap();
    assert_eq!((&record["wa_id"], &record["user_id"]), (&Value::Null, &json!("ZA.13491208655302741918")));
}
