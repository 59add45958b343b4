//! `bluetick verify`: checks the files of a lake.

use std::process::ExitCode;

use serde_json::json;

use crate::commands::LakeArguments;
use crate::output::{self, CommandResult};

/// Check that every file of a manifest exists and is intact, and that its rows are sorted, unique and in the right place
///
/// A row is in the right place if it is in the partition of its event date. No row may belong to an erased person.
///
/// Exit status 1 and a list of problems if a check fails.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    lake: LakeArguments,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: &Arguments) -> CommandResult {
    let report = arguments.lake.open_existing()?.verify().await?;
    let problems: Vec<_> = report
        .problems
        .iter()
        .map(|problem| format!("{}: {}: {}", problem.invariant, problem.object.escape_debug(), problem.detail))
        .collect();
    let ignored: Vec<_> = report.ignored.iter().map(|key| key.escape_debug().to_string()).collect();
    let code = if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    let report = json!({
        "partitions": report.partitions,
        "files": report.parts,
        "rows": report.rows,
        "bytes": report.bytes,
        "ignored": ignored,
        "problems": problems,
    });
    output::report(arguments.json, &report)?;
    Ok(code)
}
