//! Hostile bodies of 3 MB: flattening each takes less than 64 MB of heap in addition to the body.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "support/cpu.rs"]
mod cpu;

use bluetick_events::{Options, Provider, PseudonymKey, flatten};
use cpu::{cpu_time, rate};
use peak_alloc::PeakAlloc;
use serde_json::json;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const BODY_BYTES: usize = 3_000_000;
const MAX_HEAP_BYTES: usize = 64_000_000;

/// `head`, then `piece` repeated as often as it fits, then `tail`.
fn repeated(head: &str, piece: &str, tail: &str) -> String {
    format!("{head}{}{tail}", piece.repeat((BODY_BYTES - head.len() - tail.len()) / piece.len()))
}

fn bodies() -> Vec<(&'static str, String)> {
    let meta = |list: &str| {
        format!(
            "{{\"entry\":[{{\"id\":\"{}\",\"changes\":[{{\"field\":\"messages\",\"value\":{{\"{list}\":[",
            "1".repeat(400)
        )
    };
    let meta_tail = "0]}}]}]}";
    let nested = format!("{}{}", "[".repeat(120), "]".repeat(120));
    let text = "a".repeat(4000);
    let click = json!({ "type": "message_api_clicked", "data": { "message": { "id": text, "button_text": text, "campaign_id": text,
        "campaign_name": text, "meta_data": { "source_data": { "callback_data": text }, "cta_click_info": "@" } } } });
    let click = click.to_string();
    let (click_head, click_tail) = click.split_once("\"@\"").unwrap();
    let answer = "{\"answer\":{\"id\":\"a\",\"received_at_utc\":1795168800}},";
    let flow = repeated("", "{\"a\":0},", "0");
    let flow = json!([{ "id": "wamid.IN1", "timestamp": 1, "interactive": { "nfm_reply": { "response_json": format!("[{flow}]") } } }]);
    vec![
        ("one long string", repeated("{\"hello\":\"", "a", "\"}")),
        ("one string of escapes", repeated("{\"hello\":\"", "\\u0001", "\"}")),
        ("half emojis", repeated("{\"hello\":\"", "\\ud83d", "\"}")),
        ("zeros", repeated("{\"hello\":[", "0,", "0]}")),
        ("small arrays", repeated("{\"hello\":[", "[0],", "0]}")),
        ("empty objects", repeated("{\"hello\":[", "{},", "0]}")),
        ("small objects", repeated("{\"hello\":[", "{\"\":0},", "0]}")),
        ("members", repeated("{\"hello\":{", "\"\":0,", "\"\":0}}")),
        ("escaped members", repeated("{\"hello\":{", "\"\\n\":\"\\n\",", "\"\":0}}")),
        ("nested arrays", repeated("{\"hello\":[", &format!("{nested},"), "0]}")),
        ("open brackets", "[".repeat(BODY_BYTES)),
        ("bodies", repeated("[", "{},", "{}]")),
        ("bodies with a member", repeated("[", "{\"\":0},", "{}]")),
        ("messages that are none", repeated(&meta("messages"), "0,", meta_tail)),
        ("messages without anything", repeated(&meta("messages"), "{},", meta_tail)),
        ("small messages", repeated(&meta("messages"), "{\"id\":1,\"timestamp\":1},", meta_tail)),
        ("small clicks", repeated(&meta("messages"), "{\"button\":{}},", meta_tail)),
        ("small statuses", repeated(&meta("statuses"), "{\"id\":1,\"status\":1,\"timestamp\":1},", meta_tail)),
        ("actions", repeated(&meta("user_actions"), "{\"action_type\":\"x\"},", meta_tail)),
        ("contacts", repeated(&meta("contacts"), "{\"wa_id\":\"1234567\"},", meta_tail)),
        ("errors", repeated(&meta("errors"), "{\"code\":1},", meta_tail)),
        ("a flow's answer", meta("messages").replace("\"messages\":[", &format!("\"messages\":{flow}}}}}]}}]}}"))),
        ("links", repeated(&format!("{click_head}{{"), "\"l\":{},", &format!("\"l\":{{}}}}{click_tail}"))),
        ("answers", repeated("{\"type\":\"workflow_response_update\",\"data\":{\"id\":1,\"data\":[", answer, "0]}}")),
        (
            "updates",
            repeated(
                "{\"event\":\"messages.update\",\"timestamp\":1,\"data\":[",
                "{\"key\":{\"id\":1},\"status\":1},",
                "0]}",
            ),
        ),
        ("digits", repeated("{\"wa_id\":\"", "1", "\",\"status\":1,\"timestamp\":1}")),
        ("buttons", repeated("{\"wa_id\":\"1\",\"template_wamid\":\"1\",\"buttons\":[", "\"b\",", "\"b\"]}")),
    ]
}

#[test]
fn hostile_bodies_take_little_memory() {
    let options =
        [Options::default(), Options { pseudonym_key: PseudonymKey::new(b"a key"), keep_response_json: true }];
    let (mut highest, mut slowest) = (0, (0.0, "", Provider::Meta));
    for (name, body) in bodies() {
        assert!((BODY_BYTES - 20_000..=BODY_BYTES * 2).contains(&body.len()), "{name}: {} bytes", body.len());
        for provider in Provider::ALL {
            for options in &options {
                ALLOCATOR.reset_peak_usage();
                let before = ALLOCATOR.current_usage();
                let start = cpu_time();
                let outcome = flatten(provider, body.as_bytes(), 1_795_176_000_000, options);
                let heap = ALLOCATOR.peak_usage() - before;
                let rate = rate(cpu_time() - start, body.len());
                drop(outcome);
                slowest = if rate > slowest.0 { (rate, name, provider) } else { slowest };
                highest = highest.max(heap);
                assert!(heap < MAX_HEAP_BYTES, "{name} as {provider}: {heap} bytes of heap");
            }
        }
    }
    let (rate, name, provider) = slowest;
    println!("at most {highest} bytes of heap; at most {rate:.1} ms a MB (CPU): {name} as {provider}");
    // A control: the allocator counts allocations.
    assert!(highest > 10_000_000, "{highest}");
}
