//! `bluetick lookups`: maintains the look-up store.

use std::process::ExitCode;

use bluetick_transform::lookups;
use serde_json::json;

use crate::commands::{LakeArguments, LookupsArguments};
use crate::output::{self, CommandResult};

/// Maintain the look-up store
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(clap::Subcommand)]
enum Task {
    Rebuild(Rebuild),
}

/// Empty the store and rebuild it from the lake alone; webhooks may be processed meanwhile
///
/// During the rebuild, look-ups find only messages that were rebuilt so far and messages of new webhooks.
#[derive(clap::Args)]
struct Rebuild {
    #[command(flatten)]
    lake: LakeArguments,
    #[command(flatten)]
    lookups: LookupsArguments,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: &Arguments) -> CommandResult {
    let Task::Rebuild(rebuild) = &arguments.task;
    let lake = rebuild.lake.open_existing()?;
    let store = rebuild.lookups.open().await?;
    let report = lookups::rebuild(&lake, &*store).await?;
    output::report(rebuild.json, &json!({"partitions": report.partitions, "facts": report.facts}))?;
    Ok(ExitCode::SUCCESS)
}
