//! Whole bodies: unreadable, too large or repaired ones, and the serialisation of records.

use bluetick_events::{
    FlattenError, Options, Provider, Record, UnknownProvider, Unreadable, flatten, flatten_lines, unreadable_record,
};
use serde_json::{Value, json};

use crate::support::{RECEIVED_AT, fixtures};

fn read(provider: Provider, body: &[u8]) -> Result<Vec<Record>, Unreadable> {
    match flatten(provider, body, RECEIVED_AT, &Options::default()) {
        Ok(flattened) => Ok(flattened.records),
        Err(FlattenError::Unreadable(reason)) => Err(reason),
        Err(other) => panic!("not an error of a webhook: {other}"),
    }
}

fn statuses(count: usize) -> Vec<u8> {
    let statuses: Vec<_> = (0..count)
        .map(|index| {
            json!({
                "id": format!("wamid.OUT{index:07}"), "status": "delivered", "timestamp": "1795168800", "recipient_id": "4915550100001",
                "conversation": { "id": "c", "origin": { "type": "utility" } },
                "pricing": { "billable": true, "pricing_model": "PMP", "category": "utility", "type": "regular" }
            })
        })
        .collect();
    let value = json!({ "metadata": { "phone_number_id": "4103" }, "statuses": statuses });
    json!({ "entry": [{ "id": "3102", "changes": [{ "field": "messages", "value": value }] }] })
        .to_string()
        .into_bytes()
}

#[test]
fn a_thousand_updates_and_three_megabytes_are_read() {
    assert_eq!(read(Provider::Meta, &statuses(1000)).unwrap().len(), 1000);
    let three_megabytes = statuses(12_000);
    assert!(three_megabytes.len() > 2_900_000, "{}", three_megabytes.len());
    assert_eq!(read(Provider::Meta, &three_megabytes).unwrap().len(), 12_000);
}

#[test]
fn other_json_than_an_object_is_unreadable() {
    for provider in Provider::ALL {
        for (body, reason) in [
            ("", "not valid JSON: it ends early at line 1 column 0"),
            ("hello", "not valid JSON: it does not begin like an object at line 1 column 1"),
            ("{\"a\":", "not valid JSON: it ends early at line 1 column 5"),
            ("{\"a\" 1}", "not valid JSON: syntax error at line 1 column 6"),
            ("{} {}", "not valid JSON: syntax error at line 1 column 4"),
            ("null", "expected a JSON object, found null"),
            ("true", "expected a JSON object, found a boolean"),
            ("7", "expected a JSON object, found a number"),
            ("\"x\"", "expected a JSON object, found a string"),
            ("[]", "expected a JSON object, found an array"),
            ("[1,[]]", "expected a JSON object, found an array"),
        ] {
            assert_eq!(read(provider, body.as_bytes()).unwrap_err().to_string(), reason, "{body}");
        }
        let deep = "[".repeat(100_000);
        assert!(matches!(read(provider, deep.as_bytes()), Err(Unreadable::NotJson(_))));
    }
}

#[test]
fn too_much_is_unreadable() {
    let too_many_values = format!("{{\"entry\":[{}0]}}", "0,".repeat(1_500_000));
    assert_eq!(read(Provider::Meta, too_many_values.as_bytes()), Err(Unreadable::TooManyValues));
    let messages = "0,".repeat(200_000);
    let too_many_events = format!("{{\"entry\":[{{\"changes\":[{{\"value\":{{\"messages\":[{messages}0]}}}}]}}]}}");
    assert_eq!(read(Provider::Meta, too_many_events.as_bytes()), Err(Unreadable::TooManyEvents));
    // Lines have the same limit as records.
    for events in [37_500, 37_600, 37_700] {
        let messages = "0,".repeat(events);
        let body = format!("{{\"entry\":[{{\"changes\":[{{\"value\":{{\"messages\":[{messages}0]}}}}]}}]}}");
        let records = flatten(Provider::Meta, body.as_bytes(), 0, &Options::default()).map(|flat| flat.records.len());
        let lines = flatten_lines(Provider::Meta, body.as_bytes(), 0, &Options::default()).map(|flat| flat.lines.len());
        assert_eq!(records.ok(), lines.ok(), "{events} events");
    }
    // Long strings need no additional memory, because they are borrowed from the body.
    let long = format!("{{\"hello\":\"{}\"}}", "x".repeat(3_000_000));
    assert_eq!(read(Provider::Meta, long.as_bytes()).unwrap()[0].table(), "account_events");
}

#[test]
fn faults_that_senders_produce_are_repaired() {
    let body = |text: &[u8], more: &str| {
        [br#"{"entry":[{"changes":[{"value":{"messages":[{"id":"wamid.IN1","from":"1","timestamp":1795168800,"button":{"text":""#, text, b"\"}}]}}]}]", more.as_bytes(), b"}"].concat()
    };
    let text = |body: &[u8]| match read(Provider::Meta, body).unwrap().as_slice() {
        [Record::Click(click)] => click.button_text.clone().unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(text(&body(b"plain", "")), "plain");
    assert_eq!(text(&[b"\xEF\xBB\xBF", body(b"plain", "").as_slice()].concat()), "plain");
    assert_eq!(text(&body(br"half \ud83d", "")), "half \u{fffd}");
    assert_eq!(text(&body(b"Gr\xfc\xdfe", "")), "Gr\u{fffd}\u{fffd}e");
    assert_eq!(text(&body(b"plain", r#","x":[1e999,-1E999]"#)), "plain");
    assert_eq!(text(&body(b"plain", r#","x":{"deep":[null,true,1,1.5,"\ud800"]}"#)), "plain");
}

#[test]
fn of_members_with_one_name_the_last_counts() {
    let records =
        read(Provider::Woosh, br#"{"wa_id":"w","status":"sent","status":"read","timestamp":1795168800}"#).unwrap();
    assert!(matches!(&records[..], [Record::Status(status)] if status.status == "read"));
    let records = read(Provider::Woosh, br#"{"x":1,"x":2}"#).unwrap();
    assert!(matches!(&records[..], [Record::AccountEvent(event)] if event.payload.as_deref() == Some(r#"{"x":2}"#)));
}

#[test]
fn account_events_are_known_by_their_content() {
    let id = |body: &str, received_at| {
        let records = flatten(Provider::Meta, body.as_bytes(), received_at, &Options::default()).unwrap().records;
        let [Record::AccountEvent(event)] = records.as_slice() else { panic!("{records:?}") };
        event.event_id.clone()
    };
    let body = |time: u32, account: &str, event: &str| {
        let value = json!({ "event": event, "n": 1 });
        json!({ "entry": [{ "id": account, "time": time, "changes": [{ "field": "account_update", "value": value }] }] }).to_string()
    };
    let first = id(&body(1_795_168_800, "1", "A"), RECEIVED_AT);
    assert_eq!(first, id(&body(1_795_168_800, "1", "A"), RECEIVED_AT + 5), "not by the time of receipt");
    assert_ne!(first, id(&body(1_795_168_801, "1", "A"), RECEIVED_AT), "by its own time");
    assert_ne!(first, id(&body(1_795_168_800, "2", "A"), RECEIVED_AT), "by its account");
    assert_ne!(first, id(&body(1_795_168_800, "1", "B"), RECEIVED_AT), "by its content");
    assert_eq!(id(r#"{"a":1,"b":[2]}"#, 0), id(r#"{ "b": [2], "a": 1 }"#, 0), "not by how it is written");
}

#[test]
fn a_long_payload_is_spread_over_records() {
    let quotes = "\"".repeat(400_000);
    let body =
        json!({ "field": "account_alerts", "value": { "alert": quotes, "tail": "é".repeat(150_000) } }).to_string();
    let records = read(Provider::Meta, body.as_bytes()).unwrap();
    assert!(records.len() > 1);
    let mut whole = String::new();
    let mut ids = Vec::new();
    for (index, record) in records.iter().enumerate() {
        let mut line = Vec::new();
        record.write_line(&mut line);
        assert!(line.len() < 1000 * 1024, "{} bytes", line.len());
        let Record::AccountEvent(event) = record else { panic!("{record:?}") };
        let part: Value = serde_json::from_str(event.payload.as_deref().unwrap()).unwrap();
        assert_eq!((&part["part"], &part["parts"]), (&json!(index + 1), &json!(records.len())));
        whole += part["json"].as_str().unwrap();
        ids.push(event.event_id.clone());
    }
    let sent: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&whole).unwrap(), sent["value"]);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), records.len());
}

#[test]
fn an_unreadable_body_is_kept_to_the_byte() {
    let reason = Unreadable::NotJson("syntax error at line 1 column 1".to_owned());
    for (body, member, kept) in
        [(&b"hello \"you\"\n"[..], "body", json!("hello \"you\"\n")), (b"\xff\x00\x1f", "body_hex", json!("ff001f"))]
    {
        let record = unreadable_record(Provider::Woosh, body, RECEIVED_AT, &Options::default(), &reason);
        let Record::AccountEvent(event) = &record else { panic!("{record:?}") };
        assert_eq!((event.r#type.as_deref(), record.event_ts()), (Some("unreadable"), RECEIVED_AT));
        let payload: Value = serde_json::from_str(event.payload.as_deref().unwrap()).unwrap();
        assert_eq!(payload[member], kept);
        assert_eq!(payload["reason"], json!(reason.to_string()));
    }
}

#[test]
fn lines_and_rows_hold_the_same() {
    for fixture in fixtures() {
        for record in fixture.records() {
            let mut line = Vec::new();
            record.write_line(&mut line);
            assert_eq!(line.pop(), Some(b'\n'));
            assert!(line.starts_with(format!("{{\"table\":\"{}\",", record.table()).as_bytes()));
            let line: Value = serde_json::from_slice(&line).unwrap();
            let row: Value = serde_json::from_str(&record.to_full_json().to_string()).unwrap();
            let mut filled = row.as_object().unwrap().clone();
            assert_eq!(filled.remove("dt").unwrap(), json!("2026-11-20"));
            filled.retain(|_, value| !value.is_null());
            assert_eq!(line.as_object().unwrap(), &filled);
        }
    }
}

#[test]
fn providers_have_names() {
    for provider in Provider::ALL {
        assert_eq!(provider.to_string().parse(), Ok(provider));
    }
    let unknown = "twilio".parse::<Provider>().unwrap_err();
    assert_eq!(unknown, UnknownProvider("twilio".to_owned()));
    let message = unknown.to_string();
    assert!(message.starts_with("unknown provider \"twilio\"; expected one of: meta, "), "{message}");
    assert!(Provider::ALL.iter().all(|provider| message.contains(provider.name())), "{message}");
}
