//! `flatten_explained` returns the same records as `flatten`, and a source for every column.

use bluetick_events::{Options, Provider, flatten, flatten_explained};
use serde_json::{Value, json};

use crate::support::{RECEIVED_AT, fixtures};

#[test]
fn every_filled_column_of_every_fixture_has_a_source() {
    let options = Options { keep_response_json: true, ..Options::default() };
    for fixture in fixtures() {
        let plain = flatten(fixture.provider, &fixture.body, RECEIVED_AT, &options).unwrap().records;
        let explained = flatten_explained(fixture.provider, &fixture.body, RECEIVED_AT, &options).unwrap();
        assert_eq!(plain, explained.iter().map(|explained| explained.record.clone()).collect::<Vec<_>>());
        for explained in explained {
            let Value::Object(columns) = serde_json::to_value(&explained.record).unwrap() else { panic!("no object") };
            for column in columns.keys().filter(|column| *column != "table") {
                let sources: Vec<_> = explained.sources.iter().filter(|(name, _)| name == column).collect();
                assert!(!sources.is_empty(), "{}: no source of {column}", fixture.name);
                assert!(sources.iter().all(|(_, source)| !source.is_empty()), "{}: {column}", fixture.name);
            }
            for (column, source) in &explained.sources {
                assert!(columns.contains_key(*column), "{}: a source of {column}, which is null", fixture.name);
                assert!(!source.contains("unknown place"), "{}: {column} comes from {source}", fixture.name);
            }
        }
    }
}

#[test]
fn sources_are_paths_that_lead_to_the_value() {
    let body = json!({ "entry": [{ "id": "3102", "changes": [{ "field": "messages", "value": {
        "statuses": [{}, { "id": "wamid.OUT1", "status": "read", "timestamp": "1795168800", "recipient_id": "+49 155" }]
    } }] }] });
    let explained =
        flatten_explained(Provider::Meta, body.to_string().as_bytes(), RECEIVED_AT, &Options::default()).unwrap();
    let sources = &explained[1].sources;
    let expected = [
        ("event_ts", "time at $.entry[0].changes[0].value.statuses[1].timestamp"),
        ("provider", "the route"),
        ("account_id", "$.entry[0].id"),
        ("received_at", "the clock at receipt"),
        ("message_id", "$.entry[0].changes[0].value.statuses[1].id"),
        ("status", "$.entry[0].changes[0].value.statuses[1].status"),
        ("wa_id", "digits of $.entry[0].changes[0].value.statuses[1].recipient_id"),
    ];
    assert_eq!(sources, &expected.map(|(column, source)| (column, source.to_owned())));
}

#[test]
fn sources_lead_into_json_within_strings() {
    let message = json!({ "type": "button_reply", "button_reply": { "id": "b-1", "odd key": 1 } }).to_string();
    let body = json!({ "type": "message_received", "timestamp": "2026-11-20T09:00:00", "data": {
        "message": { "id": "m", "message_content_type": "InteractiveButtonReply", "message": message }
    } });
    let explained =
        flatten_explained(Provider::Interakt, body.to_string().as_bytes(), RECEIVED_AT, &Options::default()).unwrap();
    let source = explained[0].sources.iter().find(|(column, _)| *column == "button_id").unwrap();
    assert_eq!(source.1, "$.data.message.message as JSON, $.button_reply.id");
}
