//! Pseudonymised mode: a phone number planted in any text of any body, in any spelling, occurs in no record.

use bluetick_events::{Options, PseudonymKey, Record, flatten, pseudonymised, unreadable_record};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::support::{RECEIVED_AT, fixtures};

/// Spellings of one number that occur in webhooks, in data of businesses and in Meta's message ids.
const SPELLINGS: [&str; 11] = [
    "491701234567",
    "+491701234567",
    "+49 170 1234567",
    "0049 170-123 45 67",
    "call (49) 170.1234567 now",
    "491701234567:12@s.whatsapp.net",
    "true_491701234567@c.us_3EB0123456789",
    "https://example.com/?to=%2B49%20170%201234567&x=1",
    "wamid.HBgMNDkxNzAxMjM0NTY3FQIAERgSQjYxRjk5RDBFMkJDQkY5NEY4AA==",
    "https://example.com/wamid.HBgMNDkxNzAxMjM0NTY3FQIAERgSQjYxRjk5RDBFMkJDQkY5NEY4AA%3D%3D/x",
    "{\"to\":\"+49 170 1234567\"}",
];

/// Base64 of the number alone, and of the number inside a message id.
const ENCODED: [&str; 2] = ["NDkxNzAxMjM0NTY3", "HBgMNDkxNzAxMjM0NTY3"];

fn pseudonymous() -> Options {
    Options { pseudonym_key: PseudonymKey::new(b"a key"), keep_response_json: true }
}

/// The line of a record without its integers, because a planted number may be parsed as a time.
fn line(record: &Record) -> String {
    let mut line = Vec::new();
    record.write_line(&mut line);
    let mut columns: serde_json::Map<String, Value> = serde_json::from_slice(&line).unwrap();
    columns.retain(|_, value| !value.is_number());
    serde_json::to_string(&columns).unwrap()
}

/// Whether a line contains the number: as digits with anything between them, or in Base64.
fn shows_number(line: &str) -> bool {
    let decoded = percent_decode_str(line).decode_utf8_lossy().into_owned();
    [line, &decoded].into_iter().any(|text| {
        let digits: String = text.chars().filter(|c| c.is_ascii_alphanumeric() || "_\":,".contains(*c)).collect();
        digits.contains("491701234567") || ENCODED.iter().any(|encoded| text.contains(encoded))
    })
}

/// Calls `visit` with copies of the body, in each of which one text is replaced.
fn plant(body: &Value, visit: &mut dyn FnMut(Value)) {
    fn paths(value: &Value, path: &str, found: &mut Vec<String>) {
        match value {
            Value::String(_) => found.push(path.to_owned()),
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(at, item)| paths(item, &format!("{path}/{at}"), found));
            }
            Value::Object(members) => members.iter().for_each(|(key, item)| {
                paths(item, &format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }),
            _ => {}
        }
    }
    let mut found = Vec::new();
    paths(body, "", &mut found);
    for path in found {
        for spelling in SPELLINGS {
            let mut planted = body.clone();
            *planted.pointer_mut(&path).unwrap() = Value::from(spelling);
            visit(planted);
        }
    }
}

#[test]
fn a_number_planted_in_any_text_of_any_body_stands_in_no_record() {
    let (mut planted, mut shown) = (0, 0);
    for fixture in fixtures() {
        let Ok(body) = serde_json::from_slice::<Value>(&fixture.body) else { continue };
        plant(&body, &mut |body| {
            let body = body.to_string();
            let read = |options| flatten(fixture.provider, body.as_bytes(), RECEIVED_AT, &options).unwrap().records;
            planted += 1;
            for record in read(pseudonymous()) {
                assert!(!shows_number(&line(&record)), "{}: {body} gives {}", fixture.name, line(&record));
            }
            shown += usize::from(
                planted % 7 == 0 && read(Options::default()).iter().any(|record| shows_number(&line(record))),
            );
        });
    }
    assert!(
        planted > 10_000 && shown > planted / 30,
        "control: {planted} planted, {shown} of a seventh shown without a key"
    );
}

#[test]
fn a_number_in_the_name_of_a_member_stands_in_no_record() {
    for fixture in fixtures() {
        let body = String::from_utf8_lossy(&fixture.body).replacen(
            '{',
            r#"{"491701234567":{"+49 170 1234567":491701234567},"#,
            1,
        );
        let Ok(flattened) = flatten(fixture.provider, body.as_bytes(), RECEIVED_AT, &pseudonymous()) else { continue };
        for record in flattened.records {
            assert!(!shows_number(&line(&record)), "{}", fixture.name);
            if let Record::AccountEvent(event) = record {
                let payload = event.payload.unwrap_or_default();
                assert!(serde_json::from_str::<Value>(&payload).is_ok(), "{payload}");
            }
        }
    }
}

#[test]
fn a_body_that_cannot_be_parsed_shows_no_number() {
    for spelling in SPELLINGS {
        for body in
            [format!("{{\"to\": \"{spelling}\"").into_bytes(), [b"\xff".as_slice(), spelling.as_bytes()].concat()]
        {
            let provider = bluetick_events::Provider::Meta;
            let reason = match flatten(provider, &body, RECEIVED_AT, &pseudonymous()) {
                Err(bluetick_events::FlattenError::Unreadable(reason)) => reason,
                other => panic!("{other:?}"),
            };
            let record = unreadable_record(provider, &body, RECEIVED_AT, &pseudonymous(), &reason);
            assert!(!shows_number(&line(&record)), "{}", line(&record));
        }
    }
}

/// Texts that are equal without a key are equal with it, so joins inside Bluetick still work.
#[test]
fn the_columns_of_ids_are_keyed_as_one_function_of_the_id() {
    let mut compared = 0;
    for fixture in fixtures() {
        let read = |options| flatten(fixture.provider, &fixture.body, RECEIVED_AT, &options).unwrap().records;
        for (plain, keyed) in read(Options::default()).iter().zip(&read(pseudonymous())) {
            let (plain, keyed): (Value, Value) =
                (serde_json::to_value(plain).unwrap(), serde_json::to_value(keyed).unwrap());
            for column in ["message_id", "context_message_id", "template_name", "campaign_id", "event_id", "guest_id"] {
                let of_this_table = plain["table"] != "account_events" || column != "event_id";
                if let Some(text) = plain[column].as_str().filter(|_| of_this_table) {
                    assert_eq!(
                        keyed[column].as_str(),
                        Some(&*pseudonymised(text, &pseudonymous())),
                        "{}",
                        fixture.name
                    );
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 150, "{compared}");
}
