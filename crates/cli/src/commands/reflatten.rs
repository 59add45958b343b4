//! `bluetick reflatten`: writes raw objects with the records of archived bodies.

use std::process::ExitCode;

use bluetick_events::{Options, Provider, PseudonymKey};
use serde_json::json;

use crate::archive::reflattening::Reflattening;
use crate::commands::{LakeArguments, refuse_nested, refuse_nested_places};
use crate::output::{self, CommandResult};

/// Flatten archived bodies again, and write raw objects of their records
///
/// Use it after an upgrade whose parser reads more fields of webhooks than the version that received them. Add the
/// records of the raw objects to the lake with `bluetick run`; under raw/ of a deployed stack the transform adds them.
/// Records that are already in the lake add no rows, and records of erased persons are left out, so the command can be
/// repeated.
///
/// Exit status 1 if an object, a line or a body could not be used; all others are used.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The archived bodies: s3://bucket/archive/2026/11/20 or file:///directory
    #[arg(value_name = "URL")]
    archive: String,
    /// Where raw objects are written: s3://bucket/raw/reflatten or file:///directory
    #[arg(long, value_name = "URL")]
    raw: String,
    /// The lake whose erased persons are left out
    #[command(flatten)]
    lake: LakeArguments,
    /// Only bodies of this provider; can be given several times. `bluetick providers` lists them
    #[arg(long = "provider", value_name = "PROVIDER")]
    providers: Vec<Provider>,
    /// Keep the responses to flows, as ingest does with the same setting
    #[arg(long, env = "KEEP_RESPONSE_JSON")]
    keep_response_json: bool,
    /// Hash phone numbers with this key and drop names, as ingest does with the same key
    #[arg(long, value_name = "KEY", env = "PSEUDONYM_KEY", hide_env_values = true)]
    pseudonym_key: Option<String>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: &Arguments) -> CommandResult {
    refuse_nested(&arguments.raw, arguments.lake.url())?;
    refuse_nested_places(("the archive", &arguments.archive), ("the raw objects", &arguments.raw))?;
    let pseudonym_key = arguments.pseudonym_key.as_ref().and_then(|key| PseudonymKey::new(key.trim().as_bytes()));
    let reflattening = Reflattening {
        lake: arguments.lake.open_existing()?,
        options: Options { pseudonym_key, keep_response_json: arguments.keep_response_json },
        providers: arguments.providers.clone(),
    };
    let (done, failed) = reflattening.run(&arguments.archive, &arguments.raw).await?;
    let is_complete = failed.is_empty() && done.refused == 0 && done.unusable_lines == 0;
    let report = json!({
        "bodies": done.bodies,
        "records": done.records,
        "raw_objects": done.raw_objects,
        "erased_bodies": done.erased_bodies,
        "erased_records": done.erased_records,
        "unreadable": done.unreadable,
        "refused": done.refused,
        "unusable_lines": done.unusable_lines,
        "failed": failed,
    });
    output::report(arguments.json, &report)?;
    Ok(if is_complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
