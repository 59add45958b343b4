//! The router with a file sink: answers, stored lines and log lines.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bluetick_events::ArchivedBody;
use bluetick_ingest::answer::Answer;
use bluetick_ingest::archive::Archive;
use bluetick_ingest::deliver::{Delivery, SPILL_BUDGET, Sink};
use bluetick_ingest::file_sink::FileSink;
use bluetick_ingest::firehose::{BUDGET, CallError, Firehose, FirehoseClient};
use bluetick_ingest::keyring::Keyring;
use bluetick_ingest::lambda;
use bluetick_ingest::router::{MAX_BODY_BYTES, Report, Request, Router};
use bluetick_ingest::settings::Secrets;
use bluetick_ingest::spill::Spill;
use bluetick_simulator::{
    TEST_INTERAKT_SECRET, TEST_META_APP_SECRET, TEST_META_VERIFY_TOKEN, TEST_TRACKER_TOKEN, TEST_WASENDER_SECRET,
    TEST_WOOSH_SECRET,
};
use hmac::{KeyInit, Mac};
use http::{HeaderMap, Method};
use serde_json::{Value, json};

/// The time of receipt of all requests: 10 October 2026, UTC.
const NOW: i64 = 1_791_590_400_000;

fn now() -> i64 {
    NOW
}

/// A delivery stream that rejects every record.
struct Refusing;

impl FirehoseClient for Refusing {
    async fn put(&self, _: &[Vec<u8>]) -> Result<Vec<bool>, CallError> {
        Err(CallError::Fatal)
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn secrets() -> Secrets {
    let value = |name: &str| match name {
        "META_APP_SECRETS" => Some(format!("test-old-secret,{TEST_META_APP_SECRET}")),
        "META_VERIFY_TOKENS" => Some(TEST_META_VERIFY_TOKEN.to_owned()),
        "WOOSH_SECRETS" => Some(TEST_WOOSH_SECRET.to_owned()),
        "INTERAKT_SECRETS" => Some(TEST_INTERAKT_SECRET.to_owned()),
        "WASENDER_SECRETS" => Some(TEST_WASENDER_SECRET.to_owned()),
        "TRACKER_TOKENS" => Some(TEST_TRACKER_TOKEN.to_owned()),
        _ => None,
    };
    Secrets::read(value, false).unwrap()
}

struct Stage {
    router: Router<Refusing>,
    directory: tempfile::TempDir,
}

impl Stage {
    fn with_file_sink() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let sink = Sink::File(FileSink::new(directory.path()).unwrap());
        Self { router: Router::new(Keyring::fixed(secrets()), Delivery::new(sink, None), now), directory }
    }

    fn with_refusing_stream(with_spill: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = url::Url::from_directory_path(directory.path()).unwrap();
        let spill = with_spill.then(|| Spill::open(url.as_str(), Duration::from_secs(60)).unwrap());
        let sink = Sink::Firehose(Firehose::new(Refusing, || 0.0));
        Self { router: Router::new(Keyring::fixed(secrets()), Delivery::new(sink, spill), now), directory }
    }

    async fn post(&self, path: &str, headers: &[(&str, String)], body: &[u8]) -> (Answer, Report) {
        self.send(&Method::POST, path, "", headers, body).await
    }

    async fn send(
        &self,
        method: &Method,
        path: &str,
        query: &str,
        headers: &[(&str, String)],
        body: &[u8],
    ) -> (Answer, Report) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        self.router.handle(Request { method, path, query, headers: &map, body }).await
    }

    async fn post_meta(&self, body: &[u8]) -> (Answer, Report) {
        self.post("/webhooks/meta", &[("x-hub-signature-256", sign(TEST_META_APP_SECRET, body))], body).await
    }

    fn lines(&self) -> Vec<Value> {
        let mut text = String::new();
        read_objects(self.directory.path(), &mut text);
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn read_objects(directory: &Path, text: &mut String) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_objects(&path, text);
        } else {
            flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(text).unwrap();
        }
    }
}

fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    mac.finalize().into_bytes().iter().fold("sha256=".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

fn meta_statuses(count: usize, filler: &str) -> Vec<u8> {
    let statuses: Vec<Value> = (0..count)
        .map(|number| {
            json!({"id": format!("wamid.{number}"), "status": "delivered", "timestamp": "1791190800",
                   "recipient_id": "4917000000042", "biz_opaque_callback_data": filler})
        })
        .collect();
    let value = json!({"messaging_product": "whatsapp", "metadata": {"phone_number_id": "1"}, "statuses": statuses});
    json!({"object": "whatsapp_business_account", "entry": [{"id": "2", "changes": [{"field": "messages", "value": value}]}]})
        .to_string()
        .into_bytes()
}

#[tokio::test]
async fn every_sample_event_of_api_gateway_is_answered_as_it_should() {
    let stage = Stage::with_file_sink();
    let mut events = 0;
    for entry in std::fs::read_dir(repository().join("events/apigateway")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let request = lambda_http::request::from_reader(std::fs::File::open(&path).unwrap()).unwrap();
        let response = lambda::handle(&stage.router, request).await.unwrap();
        let expected = if name.starts_with("forged") { 401 } else { 200 };
        assert_eq!(response.status().as_u16(), expected, "{name}");
        if name == "handshake_meta.json" {
            assert_eq!(response.body().as_ref(), b"1158201444");
            assert_eq!(response.headers()["content-type"], "text/plain");
        }
        events += 1;
    }
    assert!(events > 40);
    let lines = stage.lines();
    let clicks = |id: &str| lines.iter().filter(|line| line["click_id"] == id).count();
    // One click from each of three events (version 2, version 1, base64), and none from the forged event.
    assert_eq!((clicks("wamid.IN1"), clicks("wamid.IN9")), (3, 0));
}

#[tokio::test]
async fn unauthentic_requests_leave_nothing() {
    let stage = Stage::with_file_sink();
    let body = meta_statuses(1, "");
    let digest = sign(TEST_META_APP_SECRET, &body);
    let wrong: [&[(&str, String)]; 5] = [
        &[],
        &[("x-hub-signature-256", String::new())],
        &[("x-hub-signature-256", digest[..digest.len() - 1].to_owned())],
        &[("x-hub-signature-256", sign("other", &body))],
        &[("x-webhook-token", TEST_TRACKER_TOKEN.to_owned())],
    ];
    for headers in wrong {
        let (answer, report) = stage.post("/webhooks/meta", headers, &body).await;
        assert_eq!((answer.status.as_u16(), report.signature_failure), (401, true));
    }
    let open = Router::new(
        Keyring::fixed(Secrets::read(|_| None, false).unwrap()),
        Delivery::new(Sink::Firehose(Firehose::new(Refusing, || 0.0)), None),
        now,
    );
    for path in ["meta", "woosh", "interakt", "wasender"] {
        let path = format!("/webhooks/{path}");
        let request =
            Request { method: &Method::POST, path: &path, query: "", headers: &HeaderMap::new(), body: b"{}" };
        assert_eq!(open.handle(request).await.0.status.as_u16(), 401, "{path} without a secret");
    }
    assert_eq!(stage.lines(), Vec::<Value>::new());
}

#[tokio::test]
async fn a_handshake_needs_its_token() {
    let stage = Stage::with_file_sink();
    for (token, status) in [(TEST_META_VERIFY_TOKEN, 200), ("test-verify-toke", 401), ("", 401)] {
        let query = format!("hub.mode=subscribe&hub.challenge=42&hub.verify_token={token}");
        let (answer, _) = stage.send(&Method::GET, "/webhooks/meta", &query, &[], b"").await;
        assert_eq!(answer.status.as_u16(), status, "{token}");
    }
    let none = Secrets::read(|_| None, false).unwrap();
    let sink = Sink::Firehose(Firehose::new(Refusing, || 0.0));
    let router = Router::new(Keyring::fixed(none), Delivery::new(sink, None), now);
    let query = "hub.mode=subscribe&hub.challenge=42&hub.verify_token=";
    let request =
        Request { method: &Method::GET, path: "/webhooks/meta", query, headers: &HeaderMap::new(), body: b"" };
    assert_eq!(router.handle(request).await.0.status.as_u16(), 401);
}

#[tokio::test]
async fn bodies_up_to_3_mb_are_read_and_larger_ones_refused() {
    let stage = Stage::with_file_sink();
    let thousand = meta_statuses(1_000, &"x".repeat(512));
    assert_eq!(stage.post_meta(&thousand).await.1.delivered.accepted, 1_000);
    let mut largest = thousand;
    largest.resize(MAX_BODY_BYTES, b' ');
    let (answer, report) = stage.post_meta(&largest).await;
    assert_eq!((answer.status.as_u16(), report.delivered.accepted), (200, 1_000));
    largest.push(b' ');
    assert_eq!(stage.post_meta(&largest).await.0.status.as_u16(), 413);
    assert_eq!(stage.lines().len(), 2_000);
}

#[tokio::test]
async fn an_authentic_body_that_cannot_be_read_is_kept_whole() {
    let stage = Stage::with_file_sink();
    for body in [b"{\"entry\": [".as_slice(), b"\xff\xfe", b"", b"42"] {
        let (answer, report) = stage.post_meta(body).await;
        assert_eq!((answer.status.as_u16(), report.unreadable, report.delivered.accepted), (200, true, 1));
    }
    let lines = stage.lines();
    assert!(lines.iter().all(|line| line["table"] == "account_events" && line["type"] == "unreadable"));
    assert!(lines.iter().any(|line| line["payload"].as_str().unwrap().contains("{\\\"entry\\\": [")));
}

#[tokio::test]
async fn routes_methods_and_the_tracker() {
    let stage = Stage::with_file_sink();
    for (method, path, status) in [
        (Method::GET, "/health", 200),
        (Method::GET, "/health/", 200),
        (Method::POST, "/health", 405),
        (Method::DELETE, "/webhooks/meta", 405),
        (Method::GET, "/webhooks/woosh", 405),
        (Method::POST, "/", 404),
        (Method::POST, "/webhooks/unknown", 404),
    ] {
        assert_eq!(stage.send(&method, path, "", &[], b"").await.0.status.as_u16(), status, "{method} {path}");
    }
    let token = [("X-Webhook-Token", TEST_TRACKER_TOKEN.to_owned())];
    let send = json!({"wa_id": "4917000000001", "template_wamid": "wamid.A", "template_name": "sale"}).to_string();
    for path in ["/api/webhooks/track-send", "/api/webhooks/track-send/"] {
        let (answer, _) = stage.post(path, &token, send.as_bytes()).await;
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(answer, json!({"ok": true, "standalone": true, "wamid": "wamid.A"}));
    }
    let (answer, _) = stage.post("/api/webhooks/track-send", &token, br#"{"wa_id": "4917000000001"}"#).await;
    assert_eq!(answer.status.as_u16(), 400);
    assert!(answer.body.contains("template_wamid"), "{}", answer.body);
    let (answer, _) = stage.post("/api/webhooks/track-send", &[], send.as_bytes()).await;
    assert_eq!(answer.status.as_u16(), 401);
}

#[tokio::test]
async fn what_the_stream_refuses_is_spilled_and_otherwise_the_sender_is_told() {
    let body = meta_statuses(3, "");
    let spilling = Stage::with_refusing_stream(true);
    let (answer, report) = spilling.post_meta(&body).await;
    assert_eq!((answer.status.as_u16(), report.delivered.spilled, report.delivered.refused), (200, 3, 0));
    assert_eq!(spilling.lines().len(), 3);

    let (answer, report) = Stage::with_refusing_stream(false).post_meta(&body).await;
    assert_eq!((answer.status.as_u16(), report.delivered.spilled, report.delivered.refused), (503, 0, 3));
    assert_eq!(answer.headers, [("retry-after", "5")]);
}

/// A stage with an archive in a directory of its own.
fn with_archive(stage: Stage) -> (Stage, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let sink = Sink::File(FileSink::new(directory.path()).unwrap());
    let router = stage.router.with_archive(Some(Archive::new(Delivery::new(sink, None))));
    (Stage { router, ..stage }, directory)
}

/// The routes and bodies of an archive, in the order in which they were received.
fn archived(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut text = String::new();
    read_objects(directory, &mut text);
    let bodies = text.lines().map(|line| ArchivedBody::parse(line.as_bytes()).unwrap());
    bodies
        .map(|body| {
            assert_eq!(body.received_at, NOW);
            (body.route.path(), body.body.into_owned())
        })
        .collect()
}

#[tokio::test]
async fn bodies_of_authentic_requests_are_archived_as_received() {
    let (stage, archive) = with_archive(Stage::with_file_sink());
    let token = [("X-Webhook-Token", TEST_TRACKER_TOKEN.to_owned())];
    let send = br#"{"wa_id": "4917000000001", "template_wamid": "wamid.A"}"#;
    // Parsed, without a record, unreadable, not UTF-8, and a request of the application.
    let bodies =
        [meta_statuses(2, "\u{1f600}"), b"{\"entry\":[]}".to_vec(), b"{\"entry\": [".to_vec(), b"\xff\xfe".to_vec()];
    for body in &bodies {
        let (answer, report) = stage.post_meta(body).await;
        assert_eq!((answer.status.as_u16(), report.not_archived), (200, 0));
    }
    assert_eq!(stage.post("/api/webhooks/track-send/", &token, send).await.0.status.as_u16(), 200);
    // Not: a forged webhook, a request that its caller must correct, a question.
    assert_eq!(stage.post("/webhooks/meta", &[("x-hub-signature-256", sign("other", send))], send).await.0.status, 401);
    assert_eq!(stage.post("/api/webhooks/track-send", &token, b"{}").await.0.status, 400);
    assert_eq!(stage.post("/api/webhooks/message-status-lookup", &token, b"{\"wamids\":[]}").await.1.not_archived, 0);
    let mut expected: Vec<_> = bodies.map(|body| ("/webhooks/meta".to_owned(), body)).to_vec();
    expected.push(("/api/webhooks/track-send".to_owned(), send.to_vec()));
    let mut found = archived(archive.path());
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn an_archive_that_fails_changes_no_answer() {
    let archive = || Some(Archive::new(Delivery::new(Sink::Firehose(Firehose::new(Refusing, || 0.0)), None)));
    let stage = Stage::with_file_sink();
    let stage = Stage { router: stage.router.with_archive(archive()), ..stage };
    let (answer, report) = stage.post_meta(&meta_statuses(3, "")).await;
    assert_eq!((answer.status.as_u16(), report.delivered.accepted, report.not_archived), (200, 3, 1));
    assert_eq!(stage.lines().len(), 3);
    // Nor does an archive that works make up for records that are not stored.
    let (refused, kept) = with_archive(Stage::with_refusing_stream(false));
    assert_eq!(refused.post_meta(&meta_statuses(3, "")).await.0.status, 503);
    assert_eq!(archived(kept.path()).len(), 1);
}

/// A delivery stream that never answers.
struct Hanging;

impl FirehoseClient for Hanging {
    async fn put(&self, _: &[Vec<u8>]) -> Result<Vec<bool>, CallError> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn an_archive_that_hangs_delays_no_answer_beyond_the_limits_of_delivery() {
    let directory = tempfile::tempdir().unwrap();
    let hanging = || Sink::Firehose(Firehose::new(Hanging, || 0.0));
    let url = url::Url::from_directory_path(directory.path()).unwrap();
    let spill = Spill::open(url.as_str(), SPILL_BUDGET).unwrap();
    let router = Router::new(Keyring::fixed(secrets()), Delivery::new(hanging(), Some(spill)), now)
        .with_archive(Some(Archive::new(Delivery::new(hanging(), None))));
    let body = meta_statuses(1, "");
    let mut headers = HeaderMap::new();
    headers.insert("x-hub-signature-256", sign(TEST_META_APP_SECRET, &body).parse().unwrap());
    let start = tokio::time::Instant::now();
    let request = Request { method: &Method::POST, path: "/webhooks/meta", query: "", headers: &headers, body: &body };
    let (answer, report) = router.handle(request).await;
    assert_eq!((answer.status.as_u16(), report.delivered.spilled, report.not_archived), (200, 1, 1));
    assert!(start.elapsed() <= BUDGET + SPILL_BUDGET, "{:?}", start.elapsed());
}

#[tokio::test]
async fn nothing_is_archived_where_numbers_are_hashed() {
    let secrets = Secrets::read(
        |name| match name {
            "META_APP_SECRETS" => Some(TEST_META_APP_SECRET.to_owned()),
            "PSEUDONYM_KEY" => Some("test-key".to_owned()),
            _ => None,
        },
        false,
    );
    let directory = tempfile::tempdir().unwrap();
    let sink = Sink::File(FileSink::new(directory.path()).unwrap());
    let router = Router::new(Keyring::fixed(secrets.unwrap()), Delivery::new(sink, None), now);
    let (stage, archive) = with_archive(Stage { router, directory });
    let (answer, report) = stage.post_meta(&meta_statuses(1, "")).await;
    assert_eq!((answer.status.as_u16(), report.delivered.accepted, report.not_archived), (200, 1, 1));
    assert_eq!(archived(archive.path()), []);
}

/// Ingest's clock is two days slow: all events seem to be in the future.
#[tokio::test]
async fn a_slow_clock_is_noticed_and_its_lines_are_marked() {
    let directory = tempfile::tempdir().unwrap();
    let sink = Sink::File(FileSink::new(directory.path()).unwrap());
    let two_days_before: fn() -> i64 = || 1_791_190_800_000 - 2 * 86_400_000;
    let router: Router<Refusing> = Router::new(Keyring::fixed(secrets()), Delivery::new(sink, None), two_days_before);
    let slow = Stage { router, directory };
    let (answer, report) = slow.post_meta(&meta_statuses(3, "")).await;
    assert_eq!((answer.status.as_u16(), report.doubtful_receipts), (200, 3));
    assert!(slow.lines().iter().all(|line| line["received_at_doubtful"] == json!(true)));

    let right = Stage::with_file_sink();
    let (_, report) = right.post_meta(&meta_statuses(3, "")).await;
    assert_eq!(report.doubtful_receipts, 0);
    assert!(right.lines().iter().all(|line| line.get("received_at_doubtful").is_none()));
}

/// The log lines that were printed.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Collects the strings of a fixture that look like a phone number, a token, a session or a secret.
fn sensitive(value: &Value, key: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| sensitive(value, key, found)),
        Value::Array(items) => items.iter().for_each(|item| sensitive(item, key, found)),
        Value::String(text) => {
            let digits = text.chars().filter(char::is_ascii_digit).count();
            let is_phone = digits >= 8 && digits + 2 >= text.len() && !key.contains("timestamp");
            let is_secret =
                ["session", "token", "secret", "signature"].iter().any(|word| key.to_lowercase().contains(word));
            if is_phone || (is_secret && text.len() > 5) {
                found.push(text.trim_start_matches('+').to_owned());
            }
        }
        _ => {}
    }
}

#[test]
fn no_secret_and_no_phone_number_is_logged_at_any_level() {
    let log = Log::default();
    let writer = log.clone();
    bluetick_telemetry::logging::init_with(
        tracing::level_filters::LevelFilter::TRACE,
        bluetick_telemetry::logging::Format::Json,
        move || writer.clone(),
    );
    let mut forbidden: Vec<String> = ["app", "verify", "woosh", "interakt", "wasender", "tracker"]
        .iter()
        .flat_map(|name| [format!("test-{name}"), format!("test-meta-{name}")])
        .collect();
    let mut bodies: Vec<(String, Vec<u8>)> = Vec::new();
    for provider in ["meta", "woosh", "interakt", "wasender", "tracker"] {
        for entry in std::fs::read_dir(repository().join("crates/events/fixtures").join(provider)).unwrap() {
            let path = entry.unwrap().path();
            if !path.to_str().unwrap().ends_with(".records.json") {
                bodies.push((provider.to_owned(), std::fs::read(&path).unwrap()));
            }
        }
        bodies.push((provider.to_owned(), b"{broken 4917012345678".to_vec()));
    }
    forbidden.push("4917012345678".to_owned());
    for (_, body) in &bodies {
        if let Ok(value) = serde_json::from_slice(body) {
            sensitive(&value, "", &mut forbidden);
        }
    }
    assert!(bodies.len() > 30 && forbidden.len() > 40, "{} bodies, {} forbidden", bodies.len(), forbidden.len());

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for stage in [Stage::with_file_sink(), Stage::with_refusing_stream(true), Stage::with_refusing_stream(false)] {
            for (provider, body) in &bodies {
                let (paths, header): (&[&str], _) = match provider.as_str() {
                    "meta" => (&["/webhooks/meta"], ("x-hub-signature-256", sign(TEST_META_APP_SECRET, body))),
                    "woosh" => (&["/webhooks/woosh"], ("x-woosh-signature", sign(TEST_WOOSH_SECRET, body))),
                    "interakt" => (&["/webhooks/interakt"], ("interakt-signature", sign(TEST_INTERAKT_SECRET, body))),
                    "wasender" => (&["/webhooks/wasender"], ("x-webhook-signature", TEST_WASENDER_SECRET.to_owned())),
                    _ => (
                        &["/api/webhooks/track-send", "/api/webhooks/message-status"],
                        ("x-webhook-token", TEST_TRACKER_TOKEN.to_owned()),
                    ),
                };
                for path in paths {
                    let (answer, _) = stage.post(path, std::slice::from_ref(&header), body).await;
                    assert!([200, 400, 503].contains(&answer.status.as_u16()), "{path}: {}", answer.status);
                    stage.post(path, &[(header.0, format!("{}x", header.1))], body).await;
                }
            }
        }
    });
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.lines().count() > 100, "nothing was logged, so nothing was tested");
    let leaked: Vec<_> = forbidden.iter().filter(|text| log.contains(text.as_str())).collect();
    assert!(leaked.is_empty(), "the log shows {leaked:?}");
}
