//! Simulates the webhooks of WhatsApp providers. Independently of the webhooks, it computes the correct answers of
//! queries, and the facts from which tests compute further answers.
//!
//! A simulation has five steps. None of them uses the result of a later one.
//!
//! 1. `world`: the campaigns, people and phone numbers.
//! 2. `scenario`: a timeline for each message (sent, delivered, read, clicked, answered), and which webhooks report
//!    each event.
//! 3. `render`: the webhook body of each event, in its provider's format.
//! 4. `schedule`: when each webhook arrives: late, out of order, as a duplicate, in a batch.
//! 5. `truth`: the answers, computed from the timelines by the definitions of `docs/metrics.md`. It sees neither
//!    webhooks nor records.
//!
//! Output does not depend on the clock or the machine: equal options give byte-identical output.
//!
//! ```
//! use bluetick_simulator::{MemoryOutput, SimulationOptions, simulate};
//!
//! let mut output = MemoryOutput::default();
//! let options = SimulationOptions { messages: 50, ..SimulationOptions::default() };
//! let summary = simulate(&options, &mut output)?;
//! assert_eq!(summary.requests, output.requests.len() as u64);
//! # Ok::<(), bluetick_simulator::SimulateError>(())
//! ```

mod clock;
mod error;
mod options;
mod output;
mod random;
mod render;
mod scenario;
mod schedule;
mod signature;
mod truth;
mod world;

pub use jiff::civil::Date;

pub use error::SimulateError;
pub use options::{SimulatedProvider, SimulationOptions, UnknownProvider};
pub use output::{DirectoryOutput, MemoryOutput, Output, Request};
pub use signature::{
    TEST_INTERAKT_SECRET, TEST_META_APP_SECRET, TEST_META_VERIFY_TOKEN, TEST_TRACKER_TOKEN, TEST_WASENDER_SECRET,
    TEST_WOOSH_SECRET,
};

use std::collections::BTreeMap;

use clock::LocalClock;
use random::SeededRng;
use render::{Rendered, Subject, Update};
use scenario::Scenario;
use schedule::Post;
use world::World;

/// Counts of a finished simulation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Messages that the business sent.
    pub messages: u64,
    /// Requests, including duplicates.
    pub requests: u64,
    /// Updates (reports of one event each, such as a status or a message) in the requests, including duplicates.
    pub updates: u64,
    /// Requests by provider.
    pub by_provider: BTreeMap<SimulatedProvider, u64>,
}

/// Runs a simulation and writes requests and truth to `output`.
///
/// # Errors
/// The time zone is unknown, an option is out of range, or the output cannot be written.
pub fn simulate(options: &SimulationOptions, output: &mut impl Output) -> Result<Summary, SimulateError> {
    let options = check(options)?;
    let clock = LocalClock::new(&options.timezone)?;
    let world = World::new(options, clock);
    let scenario = scenario::plan(&world);
    let mut summary = Summary { messages: scenario.timelines.len() as u64, ..Summary::default() };
    for (number, post) in schedule::schedule(&world, &scenario).iter().enumerate() {
        let request = request(&world, &scenario, post, number as u64)?;
        summary.requests += 1;
        summary.updates += post.updates.len() as u64;
        *summary.by_provider.entry(post.provider).or_default() += 1;
        output.request(&request)?;
    }
    output.truth(&truth::truth(&world, &scenario))?;
    Ok(summary)
}

/// Validates the options and removes duplicate providers.
fn check(options: &SimulationOptions) -> Result<SimulationOptions, SimulateError> {
    let mut options = options.clone();
    options.providers.sort_unstable();
    options.providers.dedup();
    if options.providers.is_empty() {
        return Err(SimulateError::Options("no provider given: name at least one"));
    }
    if !(1..=365).contains(&options.days) {
        return Err(SimulateError::Options("days must be from 1 to 365"));
    }
    if options.attribution_hours > 168 {
        return Err(SimulateError::Options("attribution_hours must be at most 168"));
    }
    if options.messages > u64::from(u32::MAX) {
        return Err(SimulateError::Options("messages must be below 2^32"));
    }
    if !(1..=1_000).contains(&options.batch_max) {
        return Err(SimulateError::Options("batch_max must be from 1 to 1000"));
    }
    Ok(options)
}

fn request(world: &World, scenario: &Scenario, post: &Post, number: u64) -> Result<Request, SimulateError> {
    let mut changes = Vec::new();
    let mut body = None;
    for &update in &post.updates {
        match render::render(world, scenario, update) {
            Some(Rendered::Change(change)) => changes.push(change),
            Some(Rendered::Body(whole)) => body = Some(serde_json::to_vec(&whole)?),
            None => {}
        }
    }
    let body = match body {
        Some(body) => body,
        None => {
            let mut rng = SeededRng::new(world.options.seed, (8 << 56) | number);
            rng.shuffle(&mut changes);
            render::to_ascii_json(&render::envelope(world, &changes, &mut rng))?
        }
    };
    let (name, signature) = signature::header(post.provider, &body);
    let headers =
        BTreeMap::from([("Content-Type".to_owned(), "application/json".to_owned()), (name.to_owned(), signature)]);
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Request {
        received_at: post.received_at,
        method: "POST",
        path: path(post, number),
        headers,
        body,
        provider: post.provider,
    })
}

fn path(post: &Post, number: u64) -> String {
    let path = match (post.provider, post.updates.first()) {
        (SimulatedProvider::Tracker, Some(Update { subject: Subject::Record { .. }, .. })) => {
            "/api/webhooks/track-send/"
        }
        (SimulatedProvider::Tracker, _) => "/api/webhooks/message-status/",
        (provider, _) => return format!("/webhooks/{provider}"),
    };
    // Applications call the tracker with and without a trailing slash.
    if number.is_multiple_of(4) { path.trim_end_matches('/').to_owned() } else { path.to_owned() }
}
