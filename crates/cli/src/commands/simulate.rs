//! `bluetick simulate`: writes simulated webhooks, the correct answers of queries, and facts about each message.

use std::path::PathBuf;
use std::process::ExitCode;

use bluetick_simulator::{Date, DirectoryOutput, SimulatedProvider, SimulationOptions, simulate};
use serde_json::json;

use crate::output::{self, CommandResult};

/// Write simulated webhooks of every provider, and the correct answers of queries
///
/// requests.ndjson contains signed requests in the order of arrival. truth.json contains the correct answers of most
/// queries, and the facts of each message and click, from which the tests compute the other answers. Equal options give
/// byte-identical files.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Seed of the random generator
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many messages the business sends
    #[arg(long, default_value_t = 1_000)]
    messages: u64,
    /// Providers, separated by commas [default: all]
    #[arg(long, value_delimiter = ',')]
    providers: Vec<SimulatedProvider>,
    /// Number of local days on which messages are sent, 1 to 365
    #[arg(long, default_value_t = 7)]
    days: u32,
    /// First local day of sending
    #[arg(long, value_name = "YYYY-MM-DD", default_value = "2026-10-01")]
    start: Date,
    /// IANA time zone that defines local days
    #[arg(long, default_value = "UTC")]
    timezone: String,
    /// Hours after the send in which a click is attributed, at most 168
    #[arg(long, default_value_t = 72)]
    attribution_hours: u32,
    /// Maximum number of updates in one POST, 1 to 1000
    #[arg(long, default_value_t = 1_000)]
    batch_max: usize,
    /// Output directory
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Also write each body to a file of its own
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
