//! `bluetick manifests`: makes a moved or replicated lake readable in its new location, and restores an earlier version
//! of a manifest.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bluetick_lake::RewriteOptions;
use serde_json::json;

use crate::commands::LakeArguments;
use crate::output::{self, CommandResult};

/// Rewrite the manifests of a moved or replicated lake, or restore an earlier version of one
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Rewrite(RewriteArguments),
    Restore(RestoreArguments),
}

/// Restore an earlier version of a manifest
///
/// Merges the rows of the parts that the version lists into a new part, and publishes this part in the place of the
/// current parts of the partition. Rows of erased persons are left out. Rows that were committed after the version leave
/// the lake: replay their raw objects.
#[derive(clap::Args)]
struct RestoreArguments {
    /// A file with the text of the earlier version, as it was read from the store
    #[arg(value_name = "FILE")]
    old_text: PathBuf,
    #[command(flatten)]
    lake: LakeArguments,
    /// Check everything and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// Write the manifests of a copied lake so that they list its own files
///
/// Copy data/ first. Each manifest is written conditionally, and only if all files that it lists exist in the lake.
/// Exit status 1 if a manifest was not written.
#[derive(clap::Args)]
struct RewriteArguments {
    /// The URL under which the manifests list their files now: that of the old lake
    #[arg(long, value_name = "URL")]
    from: String,
    /// Read the manifests of the old lake itself, because the copy has none
    #[arg(long)]
    read_old: bool,
    #[command(flatten)]
    lake: LakeArguments,
    /// Also replace manifests of the lake that list other files than those of the old lake, to bring a replica up to date
    #[arg(long)]
    replace: bool,
    /// Check everything and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: &Arguments) -> CommandResult {
    match &arguments.command {
        Command::Rewrite(arguments) => rewrite(arguments).await,
        Command::Restore(arguments) => restore(arguments).await,
    }
}

async fn restore(arguments: &RestoreArguments) -> CommandResult {
    let text = read_text(&arguments.old_text)?;
    let report = arguments.lake.open_existing()?.restore_manifest(&text, arguments.dry_run).await?;
    let report = json!({
        "dry_run": arguments.dry_run,
        "partition": report.partition.to_string(),
        "files": report.parts,
        "rows": report.rows,
        "erased": report.erased,
        "files_replaced": report.replaced,
    });
    output::report(arguments.json, &report)?;
    Ok(ExitCode::SUCCESS)
}

fn read_text(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

async fn rewrite(arguments: &RewriteArguments) -> CommandResult {
    let lake = arguments.lake.open_existing()?;
    let options = RewriteOptions { replace: arguments.replace, dry_run: arguments.dry_run };
    let report = if arguments.read_old {
        let old = LakeArguments::of(&arguments.from).open_existing()?;
        lake.rewrite_manifests(&old, &arguments.from, options).await?
    } else {
        lake.rewrite_manifests(&lake, &arguments.from, options).await?
    };
    let code = if report.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    let report = json!({
        "dry_run": arguments.dry_run,
        "rewritten": report.rewritten,
        "unchanged": report.unchanged,
        "files": report.parts,
        "problems": report.problems,
    });
    output::report(arguments.json, &report)?;
    Ok(code)
}
