//! A guard of speed without a clock: flattening a body makes the same number of allocations in every run, so a
//! regression fails here.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use bluetick_events::{Options, Provider, flatten, flatten_lines};
use serde_json::json;

/// Maximum number of allocations for a body with one status; 25 % above the number when this was written.
const ONE_STATUS_LIMIT: u64 = 9;
/// As above, for a body with 1,000 statuses.
const THOUSAND_STATUSES_LIMIT: u64 = 28;

const RECEIVED_AT: i64 = 1_795_176_000_000;

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

/// Checks the number of allocations for `count` statuses. Records with texts of their own are the control: they must
/// exceed the limit.
fn check(count: usize, limit: u64) {
    let (body, options) = (body(count as u64), Options::default());
    let lines = || flatten_lines(Provider::Meta, body.as_bytes(), RECEIVED_AT, &options).unwrap().lines.len();
    let records = || flatten(Provider::Meta, body.as_bytes(), RECEIVED_AT, &options).unwrap().records.len();
    assert_eq!((lines(), records()), (count, count));
    let counted = allocation_counter::measure(|| _ = lines()).count_total;
    let control = allocation_counter::measure(|| _ = records()).count_total;
    println!("{count} statuses: {counted} allocations for lines, {control} for records");
    assert!(
        counted <= limit,
        "{counted} allocations for {count} statuses, more than {limit}: find what allocates, or raise the limit"
    );
    assert!(control > limit, "records take only {control} allocations, less than the limit of {limit} for lines");
}

#[test]
fn one_status_allocates_little() {
    check(1, ONE_STATUS_LIMIT);
}

#[test]
fn a_thousand_statuses_allocate_little() {
    check(1_000, THOUSAND_STATUSES_LIMIT);
}
