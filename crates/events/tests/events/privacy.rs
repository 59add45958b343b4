//! Data that must not appear in any record.

use bluetick_events::{Options, Provider, PseudonymKey, Record, flatten};
use serde_json::{Value, json};

use crate::support::{RECEIVED_AT, fixtures};

fn lines(records: &[Record]) -> String {
    let mut lines = Vec::new();
    records.iter().for_each(|record| record.write_line(&mut lines));
    String::from_utf8(lines).unwrap()
}

fn pseudonymous() -> Options {
    Options { pseudonym_key: PseudonymKey::new(b"a key"), ..Options::default() }
}

#[test]
fn words_of_people_and_credentials_reach_no_record() {
    // In the fixtures, text written by a person always contains "private words".
    let forbidden = ["private words", "secret words", "session-secret-1", "eyJhbGciOiJIUzI1NiJ9", "Where is my parcel"];
    let mut seen = 0;
    for fixture in fixtures() {
        let body = String::from_utf8_lossy(&fixture.body).into_owned();
        for options in [Options::default(), pseudonymous(), Options { keep_response_json: true, ..Options::default() }]
        {
            let records = flatten(fixture.provider, &fixture.body, RECEIVED_AT, &options).unwrap().records;
            for words in forbidden {
                seen += usize::from(body.contains(words));
                assert!(!lines(&records).contains(words), "{}: {words}", fixture.name);
            }
        }
    }
    assert!(seen > 40, "the fixtures hold what is looked for only {seen} times");
}

#[test]
fn with_a_key_phone_numbers_and_names_reach_no_record() {
    let forbidden = [
        "4915550100001",
        "4915550100002",
        "4915550100009",
        "4930555010",
        "919955500101",
        "9955500101",
        "27825550100",
        "55119955500101",
        "55119955500102",
        "188000111222333",
        "Ida Beispiel",
        "Asha",
        "Rui",
        "asha@example.com",
    ];
    let mut shown_without_key = 0;
    for fixture in fixtures() {
        let plain = lines(&fixture.records());
        let hashed = lines(&flatten(fixture.provider, &fixture.body, RECEIVED_AT, &pseudonymous()).unwrap().records);
        for text in forbidden {
            shown_without_key += usize::from(plain.contains(text));
            assert!(!hashed.contains(text), "{}: {text} in {hashed}", fixture.name);
        }
    }
    assert!(shown_without_key > 80, "control: without a key only {shown_without_key} are shown");
}

#[test]
fn a_pseudonym_is_the_hmac_of_the_digits() {
    let body = br#"{"wa_id":"w","to":"+49 155 5010-0001","status":"read","timestamp":1795168800}"#;
    let records = flatten(Provider::Woosh, body, RECEIVED_AT, &pseudonymous()).unwrap().records;
    let [Record::Status(status)] = records.as_slice() else { panic!("{records:?}") };
    // printf 4915550100001 | openssl dgst -sha256 -hmac 'a key'
    assert_eq!(status.wa_id.as_deref(), Some("88e12bbd0f2dda7d58e6d3f9233aa6cc61c85aea15e53a491393eabf0782b550"));
    assert!(PseudonymKey::new(b"").is_none());
    assert_eq!(format!("{:?}", PseudonymKey::new(b"a key").unwrap()), "PseudonymKey(redacted)");
}

#[test]
fn secrets_of_payloads_are_left_out() {
    let body = json!({ "type": "x", "text_message": { "text": { "body": "s6" }, "caption": "s7" }, "access_token": "s1", "API-Key": "s2", "nested": [{ "Password": "s3", "kept": 1 }],
        "session": { "sdp": "s4", "sdp_type": "offer" }, "sessionId": "s5", "text": "a eyJa.eyJb.c z" });
    let records =
        flatten(Provider::Meta, body.to_string().as_bytes(), RECEIVED_AT, &Options::default()).unwrap().records;
    let [Record::AccountEvent(event)] = records.as_slice() else { panic!("{records:?}") };
    let payload: Value = serde_json::from_str(event.payload.as_deref().unwrap()).unwrap();
    assert_eq!(payload["nested"], json!([{ "kept": 1 }]));
    assert_eq!(payload["session"], json!({ "sdp_type": "offer" }));
    assert_eq!(payload["text"], json!("a (redacted) z"));
    assert_eq!(payload["sessionId"].as_str().unwrap().len(), 64);
    assert!(
        !["s1", "s2", "s3", "s4", "\"s5", "s6", "s7"].iter().any(|secret| event
            .payload
            .as_deref()
            .unwrap()
            .contains(secret))
    );
}

#[test]
fn a_flow_s_answer_is_kept_only_by_choice() {
    let fixture = fixtures().into_iter().find(|fixture| fixture.name == "meta/flow_reply_object").unwrap();
    let answer = |keep_response_json| {
        let options = Options { keep_response_json, ..Options::default() };
        let records = flatten(fixture.provider, &fixture.body, RECEIVED_AT, &options).unwrap().records;
        let [Record::Click(click)] = records.as_slice() else { panic!("{records:?}") };
        click.response_json.clone()
    };
    assert_eq!(answer(false), None);
    assert_eq!(answer(true).as_deref(), Some(r#"{"flow_token":"survey-78","stars":4}"#));
}

#[test]
fn phone_numbers_written_as_numbers_are_hashed_too() {
    let body =
        json!({ "field": "account_update", "value": { "phone_number": 4_915_550_100_001_u64, "phone_number_id": 7 } });
    let records = flatten(Provider::Meta, body.to_string().as_bytes(), RECEIVED_AT, &pseudonymous()).unwrap().records;
    let [Record::AccountEvent(event)] = records.as_slice() else { panic!("{records:?}") };
    let payload: Value = serde_json::from_str(event.payload.as_deref().unwrap()).unwrap();
    assert_eq!(payload["phone_number"].as_str().unwrap().len(), 64);
    assert_eq!(payload["phone_number_id"], json!(7));
}
