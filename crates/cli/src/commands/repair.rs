//! `bluetick repair`: rebuilds lost manifests.

use std::process::ExitCode;

use serde_json::json;

use crate::commands::LakeArguments;
use crate::output::{self, CommandResult};

/// Rebuild the manifests of partitions that have files but no manifest
///
/// A manifest is rebuilt only if the files show every row exactly once. Otherwise nothing is changed, the files that
/// share rows are listed as candidates, and the exit status is 1.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    lake: LakeArguments,
    /// Only print what would be rebuilt
    #[arg(long)]
    dry_run: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: &Arguments) -> CommandResult {
    let repairs = arguments.lake.open_existing()?.repair(arguments.dry_run).await?;
    let is_ambiguous = repairs.iter().any(|repair| !repair.candidates.is_empty());
    let partitions: Vec<_> = repairs
        .iter()
        .map(|repair| {
            json!({
                "partition": repair.partition.to_string(),
                "restored": repair.restored,
                "rows": repair.rows,
                "candidates": repair.candidates,
            })
        })
        .collect();
    output::report(arguments.json, &json!({"dry_run": arguments.dry_run, "partitions": partitions}))?;
    Ok(if is_ambiguous { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
