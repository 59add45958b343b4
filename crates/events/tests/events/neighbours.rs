//! Property: if one element of a body is malformed, the other elements still yield the records that they yield alone.

use bluetick_events::{Options, Provider, Record, flatten};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::mutation::{Random, mutate};
use crate::support::{RECEIVED_AT, fixtures};

fn records(provider: Provider, body: &Value) -> Vec<Record> {
    flatten(provider, body.to_string().as_bytes(), RECEIVED_AT, &Options::default()).unwrap().records
}

/// The records of `good` that are missing in the records of `body`.
fn lost(provider: Provider, good: &Value, body: &Value) -> Vec<Record> {
    let found = records(provider, body);
    records(provider, good).into_iter().filter(|record| !found.contains(record)).collect()
}

/// A list in a provider's bodies into which elements can be inserted.
struct Place {
    provider: Provider,
    /// Valid elements of the list.
    elements: Vec<Value>,
    /// Creates a body with a list of elements.
    body: fn(Value) -> Value,
}

fn places() -> Vec<Place> {
    let mut places = Vec::new();
    for provider in Provider::ALL {
        let bodies: Vec<Value> = fixtures()
            .iter()
            .filter(|fixture| fixture.provider == provider)
            .filter_map(|fixture| serde_json::from_slice(&fixture.body).ok())
            .collect();
        let all = |pointer: &str| -> Vec<Value> {
            bodies.iter().filter_map(|body| body.pointer(pointer)?.as_array()).flatten().cloned().collect()
        };
        match provider {
            Provider::Meta => {
                places.push(Place { provider, elements: all("/entry"), body: |list| json!({ "entry": list }) });
                let body = |list| json!({ "entry": [{ "id": "1", "changes": list }] });
                places.push(Place { provider, elements: all("/entry/0/changes"), body });
                let body = |list| json!({ "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": { "messages": list } }] }] });
                places.push(Place { provider, elements: all("/entry/0/changes/0/value/messages"), body });
                let body = |list| json!({ "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": { "statuses": list } }] }] });
                places.push(Place { provider, elements: all("/entry/0/changes/0/value/statuses"), body });
                let body = |list| json!({ "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": { "user_actions": list } }] }] });
                places.push(Place { provider, elements: all("/entry/0/changes/0/value/user_actions"), body });
            }
            Provider::Interakt => {
                // A question without an answer yields no record.
                let answers = all("/data/data").into_iter().filter(|step| !step["answer"].is_null()).collect();
                let body = |list| json!({ "type": "workflow_response_update", "timestamp": 1, "data": { "id": "run", "data": list } });
                places.push(Place { provider, elements: answers, body });
            }
            Provider::Wasender => {
                let body = |list| json!({ "event": "messages.update", "timestamp": 1_795_168_800, "data": list });
                places.push(Place { provider, elements: all("/data"), body });
                let elements = bodies.iter().filter_map(|body| body.pointer("/data/messages").cloned()).collect();
                let body = |list| json!({ "event": "messages.upsert", "timestamp": 1_795_168_800, "data": { "messages": list } });
                places.push(Place { provider, elements, body });
            }
            _ => {}
        }
        places.push(Place { provider, elements: bodies, body: |list| list });
    }
    places.iter().for_each(|place| assert!(!place.elements.is_empty()));
    places
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4000,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(20_261_120),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_mutated_element_leaves_its_neighbours(seed: u64, times in 1usize..4) {
        thread_local! {
            static PLACES: Vec<Place> = places();
        }
        PLACES.with(|places| {
            let mut random = Random(seed);
            let place = &places[random.below(places.len())];
            let mut pick = || place.elements[random.below(place.elements.len())].clone();
            let (before, mut between, after) = (pick(), pick(), pick());
            for _ in 0..times {
                mutate(&mut between, &mut random);
            }
            let body = (place.body)(json!([before, between, after]));
            for good in [&before, &after] {
                let lost = lost(place.provider, &(place.body)(json!([good])), &body);
                prop_assert!(lost.is_empty(), "lost {lost:?} of {body}");
            }
            Ok(())
        })?;
    }
}

/// A control: the check above fails if an element is lost.
#[test]
fn a_removed_element_is_noticed() {
    for place in places() {
        let lossy = place.elements.iter().filter(|good| {
            let alone = (place.body)(json!([good]));
            !lost(place.provider, &alone, &(place.body)(json!([{}]))).is_empty()
        });
        assert!(lossy.count() > 0);
    }
}
