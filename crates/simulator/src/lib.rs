//! Simulates what providers of WhatsApp messages tell, and the truth beside it.
//!
//! A simulation is made in four steps, each blind to the next. The *world* says which campaigns, people and numbers there
//! are. The *lives* say what happens to each message: when it is sent, whether it arrives, who clicks, and which provider
//! learns of it. The *renderers* put each happening into its provider's words. The *schedule* says when each webhook
//! arrives: late, out of order, twice, in a batch. The *truth* is computed from the lives alone, by the definitions of
//! `docs/metrics.md`; it sees neither webhooks nor records.
//!
//! Nothing depends on the clock or the machine: equal options give byte-identical output.
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
mod life;
mod options;
mod output;
mod random;
mod render;
mod schedule;
mod signature;
mod truth;
mod world;

pub use jiff::civil::Date;

pub use options::{SimulatedProvider, SimulationOptions, UnknownProvider};
pub use output::{DirectoryOutput, MemoryOutput, Output, Request};
pub use signature::{
    TEST_INTERAKT_SECRET, TEST_META_APP_SECRET, TEST_META_VERIFY_TOKEN, TEST_TRACKER_TOKEN, TEST_WASENDER_SECRET,
    TEST_WOOSH_SECRET,
};

use std::collections::BTreeMap;
use std::io;

use clock::LocalClock;
use life::Story;
use random::Dice;
use render::{Rendered, Subject, Update};
use schedule::Post;
use world::World;

/// Why there is no simulation.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The time zone is unknown.
    #[error("no time zone is named {name:?}")]
    TimeZone {
        /// The name.
        name: String,
        /// What the database of time zones says.
        source: jiff::Error,
    },
    /// An option is out of range.
    #[error("{0}")]
    Options(&'static str),
    /// A body cannot be written as JSON.
    #[error("cannot write a body")]
    Body(#[from] serde_json::Error),
    /// The output takes no more.
    #[error("cannot write the simulation")]
    Output(#[from] io::Error),
}

/// What was simulated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Messages of the business.
    pub messages: u64,
    /// Requests, repeats among them.
    pub requests: u64,
    /// Messages, statuses and other updates in them, repeats among them.
    pub updates: u64,
    /// Requests by provider.
    pub by_provider: BTreeMap<SimulatedProvider, u64>,
}

/// Simulates, and writes requests and truth to `output`.
///
/// # Errors
/// The time zone is unknown, an option is out of range, or the output cannot be written.
pub fn simulate(options: &SimulationOptions, output: &mut impl Output) -> Result<Summary, SimulateError> {
    let options = check(options)?;
    let clock = LocalClock::new(&options.timezone)?;
    let world = World::new(options, clock);
    let story = Story::new(&world);
    let mut summary = Summary { messages: story.lives.len() as u64, ..Summary::default() };
    for (number, post) in schedule::schedule(&world, &story).iter().enumerate() {
        let request = request(&world, &story, post, number as u64)?;
        summary.requests += 1;
        summary.updates += post.updates.len() as u64;
        *summary.by_provider.entry(post.provider).or_default() += 1;
        output.request(&request)?;
    }
    output.truth(&truth::truth(&world, &story))?;
    Ok(summary)
}

/// The options, each provider once.
fn check(options: &SimulationOptions) -> Result<SimulationOptions, SimulateError> {
    let mut options = options.clone();
    options.providers.sort_unstable();
    options.providers.dedup();
    if options.providers.is_empty() {
        return Err(SimulateError::Options("at least one provider is needed"));
    }
    if !(1..=365).contains(&options.days) {
        return Err(SimulateError::Options("days must be from 1 to 365"));
    }
    if options.attribution_hours > 168 {
        return Err(SimulateError::Options("attribution_hours must be at most 168"));
    }
    if options.messages > u64::from(u32::MAX) {
        return Err(SimulateError::Options("too many messages"));
    }
    if !(1..=1_000).contains(&options.batch_max) {
        return Err(SimulateError::Options("batch_max must be from 1 to 1000"));
    }
    Ok(options)
}

fn request(world: &World, story: &Story, post: &Post, number: u64) -> Result<Request, SimulateError> {
    let mut changes = Vec::new();
    let mut body = None;
    for &update in &post.updates {
        match render::render(world, story, update) {
            Some(Rendered::Change(change)) => changes.push(change),
            Some(Rendered::Body(whole)) => body = Some(serde_json::to_vec(&whole)?),
            None => {}
        }
    }
    let body = match body {
        Some(body) => body,
        None => {
            let mut dice = Dice::new(world.options.seed, (8 << 56) | number);
            dice.shuffle(&mut changes);
            render::to_ascii_json(&render::envelope(world, &changes, &mut dice))?
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
    // With the last slash or without.
    if number.is_multiple_of(4) { path.trim_end_matches('/').to_owned() } else { path.to_owned() }
}
