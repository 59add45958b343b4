//! Flattens a directory of webhook bodies and compares the number of records with the counts of an independent
//! parser.
//!
//! `cargo run -p bluetick-events --example corpus -- DIR`. The directory contains bodies as `<source>/<name>.json`,
//! `EXPECTED_meta.json` (counts by body) and `signature_vectors.json`. The exit status is 1 if a body cannot be
//! parsed or a signature is wrongly accepted or rejected. Differing counts are only printed.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bluetick_events::signature::{ProviderAuth, Secret, authenticate};
use bluetick_events::{Options, Provider, Record, flatten};
use serde_json::{Map, Value, json};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let directory = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: corpus DIR")?);
    let mut out = std::io::stdout().lock();
    let bodies = bodies(&directory)?;
    let expected: Map<String, Value> = serde_json::from_slice(&fs::read(directory.join("EXPECTED_meta.json"))?)?;
    let (mut unreadable, mut compared, mut different) = (0, 0, 0);
    for (name, provider) in &bodies {
        let body = fs::read(directory.join(name))?;
        let records = match flatten(*provider, &body, 1_790_000_000_000, &Options::default()) {
            Ok(flattened) => flattened.records,
            Err(reason) => {
                unreadable += 1;
                writeln!(out, "{name}: {reason}")?;
                continue;
            }
        };
        if let Some(expected) = expected.get(name) {
            compared += 1;
            let found = counts(&records);
            let expected = comparable(expected);
            if found != expected {
                different += 1;
                writeln!(out, "{name}: expected {}, found {}", json!(expected), json!(found))?;
            }
        } else {
            let mut by_kind: BTreeMap<String, usize> = BTreeMap::new();
            for record in &records {
                *by_kind.entry(kind(record)).or_default() += 1;
            }
            writeln!(out, "{name}: {}", json!(by_kind))?;
        }
    }
    let missing = expected.keys().filter(|name| !bodies.contains_key(*name)).count();
    let (right, wrong) = signatures(&directory.join("signature_vectors.json"))?;
    writeln!(out, "bodies: {}, unreadable: {unreadable}", bodies.len())?;
    writeln!(out, "with expected counts: {compared}, different: {different}, expected but not there: {missing}")?;
    writeln!(out, "signature vectors: {right} as stated, {wrong} not")?;
    Ok(if unreadable + wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn bodies(directory: &Path) -> Result<BTreeMap<String, Provider>, Box<dyn Error>> {
    let mut bodies = BTreeMap::new();
    for source in fs::read_dir(directory)? {
        let source = source?;
        if !source.file_type()?.is_dir() {
            continue;
        }
        let source_name = source.file_name().to_string_lossy().into_owned();
        for file in fs::read_dir(source.path())? {
            let file_name = file?.file_name().to_string_lossy().into_owned();
            let provider = match source_name.as_str() {
                "seeds" if file_name.starts_with("002") => Provider::Interakt,
                other => other.parse().unwrap_or(Provider::Meta),
            };
            if file_name.ends_with(".json") {
                bodies.insert(format!("{source_name}/{file_name}"), provider);
            }
        }
    }
    Ok(bodies)
}

/// The expected counts that are comparable with records. `messages` counts all inbound messages, including clicks.
fn comparable(expected: &Value) -> BTreeMap<String, u64> {
    let mut figures = BTreeMap::new();
    let mut put = |name: &str, count: &Value| {
        if let Some(count) = count.as_u64().filter(|count| *count > 0) {
            figures.insert(name.to_owned(), count);
        }
    };
    for name in ["statuses", "messages", "user_actions"] {
        put(name, &expected[name]);
    }
    for (kind, count) in expected["clicks"].as_object().into_iter().flatten() {
        let kind = match kind.as_str() {
            "template_quick_reply" => "quick_reply",
            "nfm_reply" => "flow_reply",
            other => other,
        };
        put(&format!("clicks.{kind}"), count);
    }
    figures
}

fn counts(records: &[Record]) -> BTreeMap<String, u64> {
    let mut figures = BTreeMap::new();
    for record in records {
        let names = match record {
            Record::Status(_) => vec!["statuses".to_owned()],
            Record::Click(click) if matches!(click.kind.as_ref(), "link_click" | "landing_page_view") => {
                vec!["user_actions".to_owned()]
            }
            Record::Click(click) => vec!["messages".to_owned(), format!("clicks.{}", click.kind)],
            Record::Message(_) => vec!["messages".to_owned()],
            Record::Send(_) | Record::AccountEvent(_) => vec![],
        };
        for name in names {
            *figures.entry(name).or_default() += 1;
        }
    }
    figures
}

fn kind(record: &Record) -> String {
    match record {
        Record::Click(click) => format!("click {}", click.kind),
        Record::Status(status) => format!("status {}", status.status),
        Record::Message(message) => format!("message {}", message.r#type.as_deref().unwrap_or("of no type")),
        Record::AccountEvent(event) => format!("account event {}", event.r#type.as_deref().unwrap_or_default()),
        Record::Send(_) => "send".to_owned(),
    }
}

fn signatures(file: &Path) -> Result<(usize, usize), Box<dyn Error>> {
    let vectors: Vec<Value> = serde_json::from_slice(&fs::read(file)?)?;
    let (mut right, mut wrong) = (0, 0);
    for vector in vectors {
        let text = |name: &str| vector.get(name).and_then(Value::as_str).unwrap_or_default();
        let secrets: Vec<Secret> = Secret::new(text("secret")).into_iter().collect();
        let auth = ProviderAuth { hmac_secrets: secrets.clone(), tokens: secrets, ..ProviderAuth::default() };
        let header = |name: &str| name.eq_ignore_ascii_case(text("header")).then_some(text("signature").as_bytes());
        let provider: Provider = text("provider").parse()?;
        let accepted = authenticate(provider.auth_scheme(), &header, text("body").as_bytes(), &auth).is_ok();
        if accepted == (text("must") != "FAIL") { right += 1 } else { wrong += 1 }
    }
    Ok((right, wrong))
}
