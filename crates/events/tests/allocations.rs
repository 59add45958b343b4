//! A guard of speed without a clock: flattening a body makes the same number of allocations in every run, so a
//! regression fails here.
#![allow(clippy::unwrap_used, clippy::panic)]

use bluetick_events::{Options, Provider, flatten};
use serde_json::json;

/// Maximum number of allocations for a body with one status; 25 % above the number when this was written.
const ONE_STATUS_LIMIT: u64 = 51;
/// As above, for a body with 1,000 statuses.
const THOUSAND_STATUSES_LIMIT: u64 = 28_790;

/// A webhook of Meta with `count` statuses.
fn body(count: u64) -> String {
    let statuses = (0..count).map(|number| {
        json!({
            "id": format!("wamid.HBgM{number:016x}FQIAERgSNDU2Nzg5MDEyMzQ1Njc4OTA="),
            "status": "delivered",
            "timestamp": (1_795_170_000 + number).to_string(),
            "recipient_id": format!("4917{number:08}"),
            "conversation": { "id": format!("{number:032x}"), "origin": { "type": "marketing" } },
            "pricing": { "billable": true, "pricing_model": "PMP", "type": "regular", "category": "marketing" },
        })
    });
    let value = json!({
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "27110000001", "phone_number_id": "106540352242922" },
        "statuses": statuses.collect::<Vec<_>>(),
    });
    let entry = json!({ "id": "102290129340398", "changes": [{ "value": value, "field": "messages" }] });
    json!({ "object": "whatsapp_business_account", "entry": [entry] }).to_string()
}

/// Number of allocations to flatten a body with `count` statuses.
fn allocations(count: u64) -> u64 {
    let (body, options) = (body(count), Options::default());
    let flattened = || flatten(Provider::Meta, body.as_bytes(), 1_795_176_000_000, &options).unwrap().records.len();
    assert_eq!(flattened() as u64, count);
    allocation_counter::measure(|| _ = flattened()).count_total
}

/// Checks the number of allocations for `count` statuses. A body with `more` statuses is the control: it must exceed
/// the limit, so that the limit stays close to the number.
fn check(count: u64, more: u64, limit: u64) {
    let (counted, control) = (allocations(count), allocations(more));
    assert!(
        counted <= limit,
        "{counted} allocations for {count} statuses, more than {limit}: find what allocates, or raise the limit"
    );
    assert!(
        control > limit,
        "{counted} allocations for {count} statuses are far below the limit of {limit}: lower it to 25 % above them"
    );
}

#[test]
fn one_status_allocates_little() {
    check(1, 2, ONE_STATUS_LIMIT);
}

#[test]
fn a_thousand_statuses_allocate_little() {
    check(1_000, 1_300, THOUSAND_STATUSES_LIMIT);
}
