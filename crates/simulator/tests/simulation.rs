//! Properties of a simulation: equal options yield equal output, bodies parse and their signatures verify, and the
//! figures of the truth agree with each other and with the number of reported events.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};

use bluetick_simulator::{
    DirectoryOutput, MemoryOutput, SimulateError, SimulatedProvider, SimulationOptions, TEST_INTERAKT_SECRET,
    TEST_META_APP_SECRET, TEST_META_VERIFY_TOKEN, TEST_TRACKER_TOKEN, TEST_WASENDER_SECRET, TEST_WOOSH_SECRET,
    simulate,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const DAY: i64 = 86_400_000;

fn options(seed: u64, messages: u64) -> SimulationOptions {
    let timezone = "Asia/Kolkata".to_owned();
    SimulationOptions { seed, messages, days: 12, timezone, ..SimulationOptions::default() }
}

fn run(options: &SimulationOptions) -> MemoryOutput {
    let mut output = MemoryOutput::default();
    simulate(options, &mut output).unwrap();
    output
}

/// HMAC-SHA256 by RFC 2104, implemented with the hash function only.
fn hmac_sha256(key: &[u8], message: &[u8]) -> String {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(message).finalize();
    let outer = Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize();
    outer.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The rows of a query as objects.
fn rows(truth: &Value, query: &str) -> Vec<BTreeMap<String, Value>> {
    let answer = &truth["queries"][query];
    let columns: Vec<&str> = answer["columns"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let rows = answer["rows"].as_array().unwrap().iter();
    rows.map(|row| {
        let row = row.as_array().unwrap();
        assert_eq!(row.len(), columns.len(), "{query}");
        columns.iter().map(|name| (*name).to_owned()).zip(row.iter().cloned()).collect()
    })
    .collect()
}

fn sum(truth: &Value, query: &str, column: &str) -> i64 {
    rows(truth, query).iter().map(|row| row[column].as_i64().unwrap()).sum()
}

#[test]
fn equal_options_give_equal_bytes_and_others_do_not() {
    let write = |seed| {
        let directory = std::env::temp_dir().join(format!("bluetick-simulation-{}-{seed}", std::process::id()));
        let mut output = DirectoryOutput::create(&directory, true).unwrap();
        let summary = simulate(&options(seed, 150), &mut output).unwrap();
        let requests = std::fs::read(directory.join("requests.ndjson")).unwrap();
        let truth = std::fs::read(directory.join("truth.json")).unwrap();
        let first = std::fs::read(directory.join("bodies/interakt/000001.json")).unwrap();
        let bodies = std::fs::read_dir(directory.join("bodies/interakt")).unwrap().count() as u64;
        assert_eq!(bodies, summary.by_provider[&SimulatedProvider::Interakt]);
        assert_eq!(requests.iter().filter(|byte| **byte == b'\n').count() as u64, summary.requests);
        std::fs::remove_dir_all(directory).unwrap();
        (requests, truth, first)
    };
    let (requests, truth, body) = write(4);
    assert!((requests.clone(), truth.clone(), body.clone()) == write(4), "the same seed");
    let (other_requests, other_truth, other_body) = write(5);
    assert_ne!(requests, other_requests);
    assert_ne!(truth, other_truth);
    assert_ne!(body, other_body);
}

#[test]
fn bodies_are_json_and_signatures_verify_independently() {
    // RFC 4231, test case 2, checks this test's own HMAC.
    let known = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(hmac_sha256(b"Jefe", b"what do ya want for nothing?"), known);

    let output = run(&options(1, 600));
    let mut seen = BTreeSet::new();
    for request in &output.requests {
        serde_json::from_str::<Value>(&request.body).unwrap();
        let headers = &request.headers;
        let signed = |header: &str, secret: &str| {
            let good = format!("sha256={}", hmac_sha256(secret.as_bytes(), request.body.as_bytes()));
            let spoilt = format!("sha256={}", hmac_sha256(secret.as_bytes(), format!("{} ", request.body).as_bytes()));
            assert_eq!(headers[header], good);
            assert_ne!(headers[header], spoilt, "a changed body must not verify");
        };
        match request.path.as_str() {
            "/webhooks/meta" => {
                assert!(request.body.is_ascii(), "Meta escapes what is not ASCII");
                signed("X-Hub-Signature-256", TEST_META_APP_SECRET);
            }
            "/webhooks/woosh" => signed("X-Woosh-Signature", TEST_WOOSH_SECRET),
            "/webhooks/interakt" => signed("Interakt-Signature", TEST_INTERAKT_SECRET),
            "/webhooks/wasender" => assert_eq!(headers["X-Webhook-Signature"], TEST_WASENDER_SECRET),
            path => {
                assert!(path.starts_with("/api/webhooks/"), "{path}");
                assert_eq!(headers["X-Webhook-Token"], TEST_TRACKER_TOKEN);
            }
        }
        seen.insert(request.path.clone());
    }
    assert_eq!(
        seen.len(),
        8,
        "four providers, and two routes of the application with and without the last slash: {seen:?}"
    );
    assert!(output.requests.is_sorted_by_key(|request| request.received_at));
}

#[test]
fn the_page_and_the_samples_use_the_secrets_of_this_crate() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/simulator.md")).unwrap();
    let samples = std::fs::read_to_string(root.join("scripts/make_samples.py")).unwrap();
    for (setting, secret) in [
        ("META_APP_SECRETS", TEST_META_APP_SECRET),
        ("META_VERIFY_TOKENS", TEST_META_VERIFY_TOKEN),
        ("WOOSH_SECRETS", TEST_WOOSH_SECRET),
        ("INTERAKT_SECRETS", TEST_INTERAKT_SECRET),
        ("WASENDER_SECRETS", TEST_WASENDER_SECRET),
        ("TRACKER_TOKENS", TEST_TRACKER_TOKEN),
    ] {
        assert!(page.contains(&format!("| `{setting}` | `{secret}` |")), "docs/simulator.md: {setting}");
        assert!(samples.contains(&format!("\"{setting}\": \"{secret}\",")), "scripts/make_samples.py: {setting}");
    }
}

#[test]
fn the_figures_of_the_truth_agree_with_each_other() {
    for seed in 1..=2 {
        let truth = run(&options(seed, 1_500)).truth;
        let total = rows(&truth, "ctr_total").remove(0);
        for query in ["ctr_by_template", "ctr_by_campaign", "ctr_by_provider", "ctr_daily"] {
            for column in ["messages", "delivered", "read", "clicked", "clicks"] {
                assert_eq!(json!(sum(&truth, query, column)), total[column], "{query}.{column}");
            }
        }
        for query in ["funnel_by_template", "funnel_by_campaign", "funnel_by_provider", "funnel_by_event"] {
            for column in ["sent", "delivered", "read", "clicked", "replied", "failed"] {
                assert_eq!(sum(&truth, query, column), sum(&truth, "funnel_daily", column), "{query}.{column}");
            }
            for row in rows(&truth, query) {
                let step = |column: &str| row[column].as_i64().unwrap();
                assert!(step("clicked") <= step("read"), "{query}: {row:?}");
                assert!(step("read") <= step("delivered"));
                assert!(step("delivered") + step("failed") <= step("sent"));
                assert!(step("replied") <= step("sent"));
            }
        }
        assert_eq!(sum(&truth, "failures", "messages"), sum(&truth, "funnel_daily", "failed"));
        assert_eq!(sum(&truth, "failures_by_class", "messages"), sum(&truth, "funnel_daily", "failed"));
        assert_eq!(sum(&truth, "ctr_by_hour", "messages"), sum(&truth, "ctr_daily", "messages"));
        assert_eq!(sum(&truth, "reclicks", "messages"), sum(&truth, "funnel_daily", "clicked"));
        let clicks: i64 = rows(&truth, "reclicks")
            .iter()
            .map(|row| row["clicks"].as_i64().unwrap() * row["messages"].as_i64().unwrap())
            .sum();
        assert_eq!(sum(&truth, "click_sequence", "clicks"), clicks, "each attributed click has one place");
        assert!(sum(&truth, "data_quality", "row_count") > 1_500);
        assert_eq!(sum(&truth, "data_quality", "repeats"), 0);
    }
}

#[test]
fn the_truth_answers_its_queries_and_no_answer_is_empty() {
    let truth = run(&options(2, 3_000)).truth;
    let queries = truth["queries"].as_object().unwrap();
    let expected = [
        "ctr_total",
        "ctr_by_template",
        "ctr_by_campaign",
        "ctr_by_provider",
        "ctr_daily",
        "funnel_daily",
        "funnel_by_template",
        "funnel_by_campaign",
        "funnel_by_provider",
        "funnel_by_event",
        "ctr_by_button",
        "ctr_by_position",
        "list_rows",
        "flows",
        "link_clicks",
        "interaction_kinds",
        "failures",
        "failures_by_class",
        "cost_by_category",
        "opt_outs",
        "ctr_by_hour",
        "clicks_by_hour",
        "reclicks",
        "click_sequence",
        "unattributed_clicks",
        "unattributed_receipts",
        "message_status",
        "message_log",
        "latest_message_of_registration",
        "data_quality",
        "lost_clicks",
        "rejected_lines",
    ];
    let named: BTreeSet<&str> = queries.keys().map(|name| name.split('@').next().unwrap()).collect();
    assert_eq!(named, BTreeSet::from(expected));
    for (name, answer) in queries {
        let rows = answer["rows"].as_array().unwrap();
        // The simulation contains no unclassified events and no unnamed people.
        let is_empty = name == "rejected_lines" || name.ends_with("@nobody");
        assert_eq!(rows.is_empty(), is_empty, "{name}");
    }
}

/// Changing an option must change the truth that depends on it.
#[test]
fn window_zone_and_attribution_change_the_truth() {
    let base = options(1, 1_000);
    let truth = run(&base).truth;
    let hasty = run(&SimulationOptions { attribution_hours: 1, ..base.clone() }).truth;
    assert!(sum(&hasty, "ctr_total", "clicked") < sum(&truth, "ctr_total", "clicked"));
    let unattributed = |truth: &Value| sum(truth, "unattributed_clicks", "clicks");
    assert!(unattributed(&hasty) > unattributed(&truth));
    let elsewhere = run(&SimulationOptions { timezone: "America/Los_Angeles".to_owned(), ..base.clone() }).truth;
    assert_ne!(elsewhere["queries"]["clicks_by_hour"], truth["queries"]["clicks_by_hour"]);
    assert_eq!(truth["parameters"]["from"], "2026-10-02");
    assert_eq!(truth["parameters"]["to"], "2026-10-11");
    let short = run(&SimulationOptions { days: 2, ..base });
    assert_eq!(short.truth["parameters"]["from"], "2026-10-01");
    assert_eq!(short.truth["parameters"]["to"], "2026-10-02");
}

#[test]
fn any_number_of_messages_and_any_provider_will_do() {
    for messages in [0, 40] {
        for provider in SimulatedProvider::ALL {
            let options = SimulationOptions { providers: vec![provider, provider], ..options(1, messages) };
            let mut output = MemoryOutput::default();
            let summary = simulate(&options, &mut output).unwrap();
            assert_eq!(summary.messages, messages);
            assert!(output.requests.iter().all(|request| request.provider == provider), "{provider}");
            assert_eq!(output.requests.is_empty(), messages == 0, "{provider}");
            assert_eq!(rows(&output.truth, "ctr_total").len(), 1);
            assert_eq!(rows(&output.truth, "data_quality").len(), 5);
        }
    }
}

#[test]
fn options_out_of_range_are_refused() {
    let refused = |options: SimulationOptions| simulate(&options, &mut MemoryOutput::default()).unwrap_err();
    let base = SimulationOptions::default();
    let zone = SimulationOptions { timezone: "Mars/Olympus".to_owned(), ..base.clone() };
    assert!(matches!(refused(zone), SimulateError::TimeZone { .. }));
    for options in [
        SimulationOptions { providers: Vec::new(), ..base.clone() },
        SimulationOptions { days: 0, ..base.clone() },
        SimulationOptions { batch_max: 1_001, ..base.clone() },
        SimulationOptions { attribution_hours: 169, ..base },
    ] {
        assert!(matches!(refused(options), SimulateError::Options(_)));
    }
    assert_eq!("wasender".parse(), Ok(SimulatedProvider::Wasender));
    assert_eq!(
        "signal".parse::<SimulatedProvider>().unwrap_err().to_string(),
        "unknown provider \"signal\": use meta, woosh, interakt, wasender or tracker"
    );
}

/// Distinct statuses and interactions in Meta's bodies.
#[derive(Default)]
struct MetaUpdates {
    statuses: BTreeSet<String>,
    interactions: BTreeMap<&'static str, BTreeSet<String>>,
    updates: usize,
    largest: usize,
}

impl MetaUpdates {
    fn read(bodies: impl Iterator<Item = Value>) -> Self {
        let mut reported_by = MetaUpdates::default();
        for body in bodies {
            let before = reported_by.updates;
            for entry in body["entry"].as_array().unwrap() {
                for change in entry["changes"].as_array().unwrap() {
                    reported_by.change(change, entry);
                }
            }
            reported_by.largest = reported_by.largest.max(reported_by.updates - before);
        }
        reported_by
    }

    fn change(&mut self, change: &Value, entry: &Value) {
        let value = &change["value"];
        let list = |name: &str| value[name].as_array().cloned().unwrap_or_default();
        if change["field"] != "messages" {
            self.updates += 1;
            self.interactions.entry("account_events").or_default().insert(format!("{}{change}", entry["time"]));
            return;
        }
        for status in list("statuses") {
            self.updates += 1;
            let member = [&status["recipient_participant_id"], &status["recipient_participant_user_id"]];
            let key = [&status["id"], &status["type"], &status["status"], &status["timestamp"], member[0], member[1]];
            self.statuses.insert(format!("{key:?}"));
        }
        for message in list("messages") {
            self.updates += 1;
            let table = if ["interactive", "button"].contains(&message["type"].as_str().unwrap()) {
                "clicks"
            } else {
                "messages"
            };
            self.interactions.entry(table).or_default().insert(message["id"].to_string());
        }
        for action in list("user_actions") {
            self.updates += 1;
            self.interactions.entry("clicks").or_default().insert(action.to_string());
        }
    }
}

/// The number of distinct events in the webhooks equals the row counts of the truth. With Meta as the only provider,
/// because its format can be counted without an adapter.
#[test]
fn webhooks_tell_as_many_things_as_the_truth_counts() {
    for seed in 1..=2 {
        let options = SimulationOptions { providers: vec![SimulatedProvider::Meta], days: 20, ..options(seed, 2_500) };
        let mut output = MemoryOutput::default();
        let summary = simulate(&options, &mut output).unwrap();
        let bodies = output.requests.iter().map(|request| serde_json::from_str::<Value>(&request.body).unwrap());
        let reported_by = MetaUpdates::read(bodies);
        let distinct: usize =
            reported_by.interactions.values().map(BTreeSet::len).sum::<usize>() + reported_by.statuses.len();
        let counts = &output.truth["counts"];
        assert_eq!(counts["statuses"], json!(reported_by.statuses.len()));
        for (table, things) in &reported_by.interactions {
            assert_eq!(counts[*table], json!(things.len()), "{table}");
        }
        assert_eq!(summary.updates, reported_by.updates as u64);
        assert!(reported_by.updates > distinct, "there must be repeats");
        assert!(
            (100..=1_000).contains(&reported_by.largest),
            "an outage ends in large batches: {}",
            reported_by.largest
        );
        let small = run(&SimulationOptions { batch_max: 7, ..options });
        let bodies = small.requests.iter().map(|request| serde_json::from_str::<Value>(&request.body).unwrap());
        assert_eq!(MetaUpdates::read(bodies).largest, 7);
        assert_eq!(small.truth, output.truth, "how things are reported_by changes nothing");
    }
}

/// The difficult cases for which the simulation exists must occur in it.
#[test]
fn difficulties_occur() {
    let output = run(&options(3, 3_000));
    let of =
        |path: &str| output.requests.iter().filter(move |request| request.path.starts_with(path)).collect::<Vec<_>>();
    let count = |path: &str, needle: &str| of(path).iter().filter(|request| request.body.contains(needle)).count();
    let meta = [
        "\"forwarded\":true",
        "\"payment\"",
        "\"recipient_participant_id\"",
        "message_echoes",
        "\"calls\"",
        "user_preferences",
        "\"unsupported\"",
        "landing_page_view",
        "\"referral\"",
        "played",
        "expiration_timestamp",
        "nfm_reply",
        "list_reply",
        "\"type\":\"button\"",
        "\\u00",
    ];
    for needle in meta {
        assert!(count("/webhooks/meta", needle) > 0, "{needle}");
    }
    for needle in ["message.status", "\"to\":", "\"entry\":"] {
        assert!(count("/webhooks/woosh", needle) > 0, "{needle}");
    }
    let interakt = [
        "workflow_response_update",
        "AgentMessage",
        "message_api_clicked",
        "message_campaign_clicked",
        "message_campaign_read",
        "InteractiveFlowReply",
        "message_api_flow_response",
        "cta_click_info",
        "\"meta_data\":[]",
        "\"channel_phone_number\":null",
    ];
    for needle in interakt {
        assert!(count("/webhooks/interakt", needle) > 0, "{needle}");
    }
    let wasender = [
        "interactiveResponseMessage",
        "\"fromMe\":true,\"id\":\"3A",
        "messages.upsert",
        "messages.received",
        "messages-personal.received",
        "ephemeralMessage",
        "@lid",
        "\"success\":false",
        "buttonsResponseMessage",
        "listResponseMessage",
        "templateButtonReplyMessage",
    ];
    for needle in wasender {
        assert!(count("/webhooks/wasender", needle) > 0, "{needle}");
    }
    let sends = of("/api/webhooks/track-send");
    assert!(sends.iter().any(|request| request.body.contains("\"sent_at\"")));
    assert!(sends.iter().any(|request| !request.body.contains("\"sent_at\"")));

    // Late by days, and duplicated.
    let mut first: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    let (mut soon, mut late) = (0, 0);
    for request in &output.requests {
        match first.get(&(request.path.as_str(), request.body.as_str())) {
            None => {
                first.insert((&request.path, &request.body), request.received_at);
            }
            Some(earlier) if request.received_at - earlier > DAY => late += 1,
            Some(_) => soon += 1,
        }
    }
    assert!(soon > 0 && late > 0, "repeats within minutes and days later: {soon}, {late}");

    // One message is reported through two providers.
    let ids = |path: &str| {
        let bodies = of(path).iter().map(|request| request.body.clone()).collect::<String>();
        bodies.split("wamid.").skip(1).map(|text| text.chars().take(30).collect()).collect::<BTreeSet<String>>()
    };
    assert!(ids("/webhooks/meta").intersection(&ids("/webhooks/woosh")).count() > 0);
}
