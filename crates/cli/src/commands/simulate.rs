//! `bluetick simulate`: webhooks of every provider, with the truth beside them.

use std::path::PathBuf;
use std::process::ExitCode;

use bluetick_simulator::{Date, DirectoryOutput, SimulatedProvider, SimulationOptions, simulate};
use serde_json::json;

use crate::output::{self, CommandResult};

/// Write simulated webhooks of every provider, and the true figures beside them
///
/// requests.ndjson holds signed requests in the order of their delivery, truth.json every metric, computed from the simulated
/// lives of the messages. Equal options give byte-identical files.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Seed of all chance
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many messages the business sends
    #[arg(long, default_value_t = 1_000)]
    messages: u64,
    /// Who reports them, separated by commas [default: all]
    #[arg(long, value_delimiter = ',')]
    providers: Vec<SimulatedProvider>,
    /// Local days over which the messages are sent
    #[arg(long, default_value_t = 7)]
    days: u32,
    /// First of these days
    #[arg(long, value_name = "YYYY-MM-DD", default_value = "2026-10-01")]
    start: Date,
    /// Time zone whose days the truth speaks of
    #[arg(long, default_value = "UTC")]
    timezone: String,
    /// A click counts for its message if it comes no later than this after the sending
    #[arg(long, default_value_t = 72)]
    attribution_hours: u32,
    /// Most updates in one POST
    #[arg(long, default_value_t = 1_000)]
    batch_max: usize,
    /// Where the files go
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Write each body as a file of its own, too
    #[arg(long)]
    bodies: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    let providers = match arguments.providers.as_slice() {
        [] => SimulatedProvider::ALL.to_vec(),
        some => some.to_vec(),
    };
    let options = SimulationOptions {
        seed: arguments.seed,
        messages: arguments.messages,
        providers,
        days: arguments.days,
        start: arguments.start,
        timezone: arguments.timezone.clone(),
        attribution_hours: arguments.attribution_hours,
        batch_max: arguments.batch_max,
    };
    let mut directory = DirectoryOutput::create(&arguments.out, arguments.bodies)?;
    let summary = simulate(&options, &mut directory)?;
    let report = json!({"messages": summary.messages, "requests": summary.requests, "out": arguments.out});
    output::report(arguments.json, &report)?;
    Ok(ExitCode::SUCCESS)
}
