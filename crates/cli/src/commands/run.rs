//! `bluetick run`: adds the records of raw objects to the lake.

use crate::commands::{FirstDayArgument, LakeArguments, OptionalLookupsArguments, refuse_nested, replay};
use crate::output::CommandResult;

/// Add the records of raw objects to the lake
///
/// Rows that the lake already has are left out, so the command can be repeated.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The raw objects: s3://bucket/prefix or file:///directory
    #[arg(long = "raw", value_name = "URL", env = "RAW_URL")]
    raw: String,
    #[command(flatten)]
    lake: LakeArguments,
    #[command(flatten)]
    first_day: FirstDayArgument,
    #[command(flatten)]
    lookups: OptionalLookupsArguments,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: &Arguments) -> CommandResult {
    refuse_nested(&arguments.raw, arguments.lake.url())?;
    let lookups = arguments.lookups.open().await?;
    let lake = arguments.lake.open_since(&arguments.first_day)?;
    replay::move_objects(&arguments.raw, lake, lookups, None, arguments.json).await
}
