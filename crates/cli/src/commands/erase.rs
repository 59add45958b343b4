//! `bluetick erase`: removes a person.

use std::process::ExitCode;

use bluetick_lake::Person;
use serde_json::json;

use crate::commands::LakeArguments;
use crate::output::{self, CommandResult};

/// Remove a person's rows from the lake, and keep the person out of later replays
#[derive(clap::Args)]
#[group(id = "person", required = true, multiple = false)]
pub(crate) struct PersonArguments {
    /// The phone number, digits only, or its keyed hash where numbers are hashed
    #[arg(long, value_name = "NUMBER")]
    wa_id: Option<String>,
    /// The business-scoped user id
    #[arg(long, value_name = "ID")]
    user_id: Option<String>,
}

/// Remove a person's rows from the lake, and keep the person out of later replays
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    person: PersonArguments,
    #[command(flatten)]
    lake: LakeArguments,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: &Arguments) -> CommandResult {
    let person = match (&arguments.person.wa_id, &arguments.person.user_id) {
        (Some(wa_id), _) => Person::WaId(wa_id.clone()),
        (None, Some(user_id)) => Person::UserId(user_id.clone()),
        (None, None) => return Err("a person is needed: --wa-id or --user-id".into()),
    };
    let report = arguments.lake.open()?.erase(&person).await?;
    let held: Vec<_> = report
        .held
        .iter()
        .map(|held| json!({"what": held.what, "until_ms": held.until_ms, "ends_by": held.ends_by}))
        .collect();
    let partitions: Vec<_> = report.partitions.iter().map(ToString::to_string).collect();
    let report = json!({
        "rows_removed": report.rows_removed,
        "settled": report.settled,
        "settles_at_ms": report.settles_at_ms,
        "partitions": partitions,
        "superseded_files": report.superseded_parts,
        "still_held": held,
    });
    output::report(arguments.json, &report)?;
    Ok(ExitCode::SUCCESS)
}
