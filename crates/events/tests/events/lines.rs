//! The lines of a body are those of its records.

use bluetick_events::{FlattenError, Flattened, Options, Provider, PseudonymKey, flatten, flatten_lines};
use serde_json::Value;

use crate::mutation::{Random, mutate};
use crate::support::{RECEIVED_AT, fixtures};

/// What `serde_json` writes for the records of a body, and their times.
fn expected(provider: Provider, body: &[u8], options: &Options) -> Result<(Vec<u8>, Vec<i64>, Value), FlattenError> {
    let Flattened { records, response } = flatten(provider, body, RECEIVED_AT, options)?;
    let mut text = Vec::new();
    for record in &records {
        serde_json::to_writer(&mut text, record).unwrap();
        text.push(b'\n');
    }
    Ok((text, records.iter().map(|record| record.event_ts()).collect(), response))
}

fn assert_lines(provider: Provider, body: &[u8], options: &Options) -> usize {
    let shown = || String::from_utf8_lossy(body);
    let expected = expected(provider, body, options);
    let found = flatten_lines(provider, body, RECEIVED_AT, options);
    let count = found.as_ref().map_or(0, |found| found.lines.len());
    let found = found.map(|found| {
        let joined: Vec<u8> = found.lines.iter().flat_map(|line| [line.json, b"\n"].concat()).collect();
        assert_eq!(joined, found.lines.text(), "{}", shown());
        let times = found.lines.iter().map(|line| line.event_ts).collect();
        (found.lines.into_text(), times, found.response)
    });
    assert_eq!(found, expected, "{}", shown());
    count
}

fn all_options() -> [Options; 2] {
    [Options::default(), Options { pseudonym_key: PseudonymKey::new(b"a key"), keep_response_json: true }]
}

#[test]
fn the_lines_of_fixtures_are_those_of_their_records() {
    let mut lines = 0;
    for fixture in fixtures() {
        for options in all_options() {
            lines += assert_lines(fixture.provider, &fixture.body, &options);
        }
    }
    assert!(lines > 300, "{lines}");
}

#[test]
fn the_lines_of_mutated_bodies_are_those_of_their_records() {
    let fixtures = fixtures();
    let trees: Vec<(Provider, Value)> = fixtures
        .iter()
        .filter_map(|fixture| Some((fixture.provider, serde_json::from_slice(&fixture.body).ok()?)))
        .collect();
    let mut lines = 0;
    for seed in 0..3_000 {
        let mut random = Random(seed);
        let (provider, mut tree) = trees[random.below(trees.len())].clone();
        for _ in 0..random.below(5) {
            mutate(&mut tree, &mut random);
        }
        let options = &all_options()[random.below(2)];
        lines += assert_lines(provider, tree.to_string().as_bytes(), options);
    }
    assert!(lines > 3_000, "{lines}");
}

#[test]
fn texts_are_escaped_as_json_demands() {
    for text in ["", "\"", "\\", "/", "\u{0}", "\u{1f}", "\u{7f}", "ä\u{2028}😀", "a\nb\tc\rd", "12345678", "1234567\""]
    {
        let body = serde_json::json!({ "wa_id": text, "status": text, "timestamp": 1_795_168_800, "x": text });
        for provider in Provider::ALL {
            assert_lines(provider, body.to_string().as_bytes(), &Options::default());
        }
    }
}

/// A control: lines with another value differ.
#[test]
fn lines_show_a_changed_value() {
    let body = |status: &str| format!(r#"{{"wa_id":"w","status":"{status}","timestamp":1795168800}}"#);
    let lines = |status| flatten_lines(Provider::Woosh, body(status).as_bytes(), RECEIVED_AT, &Options::default());
    assert_eq!(lines("sent").unwrap().lines, lines("sent").unwrap().lines);
    assert_ne!(lines("sent").unwrap().lines, lines("read").unwrap().lines);
}
