//! `bluetick manifests`: makes a moved or replicated lake readable in its new location.

use std::process::ExitCode;

use bluetick_lake::RewriteOptions;
use serde_json::json;

use crate::commands::LakeArguments;
use crate::output::{self, CommandResult};

/// Rewrite the manifests of a moved or replicated lake
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Rewrite(RewriteArguments),
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
    let Command::Rewrite(arguments) = &arguments.command;
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
