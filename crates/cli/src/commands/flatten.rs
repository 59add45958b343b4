//! `bluetick flatten`: prints the records of webhook bodies, and explains why a webhook produced no row.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bluetick_events::{Options, Provider, PseudonymKey, flatten_explained};
use serde::Serialize;

use crate::output::{self, CommandResult};

/// Print the records of webhook bodies, one JSON object per line
///
/// Exit status 1 if a body cannot be read. The reason goes to standard error, and the remaining bodies are still
/// printed.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The provider that sent the bodies; `bluetick providers` lists them
    #[arg(long)]
    provider: Provider,
    /// Add the JSON path of each column's source to each record
    #[arg(long)]
    explain: bool,
    /// Time of receipt in milliseconds since 1970, UTC [default: now]
    #[arg(long, value_name = "MS")]
    received_at: Option<i64>,
    /// Keep the responses to flows, which may contain personal data
    #[arg(long, env = "KEEP_RESPONSE_JSON")]
    keep_response_json: bool,
    /// Hash phone numbers with this key and drop names
    #[arg(long, value_name = "KEY", env = "PSEUDONYM_KEY", hide_env_values = true)]
    pseudonym_key: Option<String>,
    /// Files with one body each; - means standard input
    #[arg(value_name = "FILE", default_value = "-")]
    files: Vec<PathBuf>,
}

/// One line of output.
#[derive(Serialize)]
struct Line<R> {
    #[serde(flatten)]
    record: R,
    /// The JSON path of each column's source, by column.
    #[serde(skip_serializing_if = "Option::is_none")]
    sources: Option<BTreeMap<&'static str, String>>,
}

pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    let options = Options {
        pseudonym_key: arguments.pseudonym_key.as_ref().and_then(|key| PseudonymKey::new(key.as_bytes())),
        keep_response_json: arguments.keep_response_json,
    };
    let received_at = arguments.received_at.unwrap_or_else(bluetick_ingest::clock::system_time);
    let mut code = ExitCode::SUCCESS;
    for file in &arguments.files {
        let records = read(file).and_then(|body| {
            flatten_explained(arguments.provider, &body, received_at, &options).map_err(std::io::Error::other)
        });
        match records {
            Ok(records) => {
                for explained in records {
                    let sources = arguments.explain.then(|| explained.sources.iter().cloned().collect());
                    let line = Line { record: explained.record.to_full_json(), sources };
                    output::line(serde_json::to_string(&line)?)?;
                }
            }
            Err(error) => {
                code = ExitCode::FAILURE;
                let error = std::io::Error::new(error.kind(), format!("{}: {error}", file.display()));
                output::report_error(&error);
            }
        }
    }
    Ok(code)
}

fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut body)?;
    } else {
        std::fs::File::open(file)?.read_to_end(&mut body)?;
    }
    Ok(body)
}
