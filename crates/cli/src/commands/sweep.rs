//! `bluetick sweep`: deletes superseded parts, confirms erasures and compacts days that have ended.

use std::process::ExitCode;

use serde_json::json;

use crate::commands::LakeArguments;
use crate::output::{self, CommandResult};

/// Delete the parts that no manifest has referenced for a day, confirm erasures, and compact days that have ended
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    lake: LakeArguments,
    /// Only report which parts would be deleted: delete nothing, confirm no erasure and compact nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: &Arguments) -> CommandResult {
    let report = arguments.lake.open_existing()?.sweep(arguments.dry_run).await?;
    let report = json!({
        "dry_run": arguments.dry_run,
        "files_referenced": report.referenced,
        "files_unreferenced": report.unreferenced,
        "bytes_deleted": report.bytes_deleted,
        "fenced_manifests": report.fenced_manifests,
        "partitions_without_manifest": report.without_manifest.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "erased_rows": report.erased_rows,
        "confirmed_erasures": report.confirmed_erasures,
        "compacted_parts": report.compacted_parts,
        "deleted": report.deleted,
    });
    output::report(arguments.json, &report)?;
    Ok(ExitCode::SUCCESS)
}
