//! Schedules the arrival of webhooks: with delays, out of order, with duplicates, and in large batches after an outage.
//! An [`Update`] is one report of one event.

use crate::clock::{DAY, HOUR, MINUTE, SECOND};
use crate::options::SimulatedProvider;
use crate::random::SeededRng;
use crate::render::{Subject, Update};
use crate::scenario::{RecordCall, Scenario, SendRecord, WebhookKind};
use crate::world::World;

/// One POST request: its updates and its time of arrival.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    /// Time of arrival in milliseconds since 1970, UTC.
    pub(crate) received_at: i64,
    pub(crate) provider: SimulatedProvider,
    /// One update, or several where Meta's envelope carries them.
    pub(crate) updates: Vec<Update>,
}

/// The scheduled arrival of one update.
struct Delivery {
    received_at: i64,
    /// Random tie-breaker among updates that arrive in the same millisecond.
    tie: u64,
    update: Update,
    /// Whether an outage delayed it; delayed updates arrive together.
    delayed_by_outage: bool,
}

/// Schedules all POSTs, in the order of arrival.
pub(crate) fn schedule(world: &World, scenario: &Scenario) -> Vec<Post> {
    let mut rng = SeededRng::new(world.options.seed, 7);
    let mut posts = Vec::new();
    let (mut meta, mut relayed) = (Vec::new(), Vec::new());
    for (update, at, arrival) in updates(scenario) {
        for received_at in arrivals(&mut rng, at, arrival) {
            let delivery = Delivery { received_at, tie: rng.bits(), update, delayed_by_outage: false };
            match update.webhook {
                WebhookKind::Meta => meta.push(delivery),
                WebhookKind::WooshRelay => relayed.push(delivery),
                _ => posts.push(Post { received_at, provider: provider(update.webhook), updates: vec![update] }),
            }
        }
    }
    outages(world, &mut rng, &mut meta);
    posts.extend(batches(world, &mut rng, SimulatedProvider::Meta, meta));
    posts.extend(batches(world, &mut rng, SimulatedProvider::Woosh, relayed));
    retries(&mut rng, &mut posts);
    // POSTs of the same millisecond arrive in random but reproducible order.
    rng.shuffle(&mut posts);
    posts.sort_by_key(|post| post.received_at);
    posts
}

/// How an update arrives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Arrival {
    /// Mostly within seconds; some arrive days late, some twice.
    Usual,
    /// At once and only once: the update carries no timestamp, so its time of arrival is its time.
    Immediate,
}

/// All updates with the time of the event that they report.
fn updates(scenario: &Scenario) -> Vec<(Update, i64, Arrival)> {
    let mut updates = Vec::new();
    for (timeline_index, timeline) in scenario.timelines.iter().enumerate() {
        for (index, event) in timeline.events.iter().enumerate() {
            let subject = Subject::Event { timeline: timeline_index, event: index };
            updates.extend(
                event.reported_by.iter().map(|&webhook| (Update { subject, webhook }, event.at, Arrival::Usual)),
            );
        }
        if let Some(record) = &timeline.record {
            let calls = calls(record).into_iter().map(|(call, at)| {
                let subject = Subject::Record { timeline: timeline_index, call };
                (Update { subject, webhook: WebhookKind::Tracker }, at, Arrival::Immediate)
            });
            updates.extend(calls);
        }
    }
    for (index, unrelated) in scenario.unrelated_events.iter().enumerate() {
        let subject = Subject::Unrelated(index);
        updates.extend(
            unrelated.reported_by.iter().map(|&webhook| (Update { subject, webhook }, unrelated.at, Arrival::Usual)),
        );
    }
    updates
}

/// The calls of the application for a message, with their times.
fn calls(record: &SendRecord) -> Vec<(RecordCall, i64)> {
    let full = std::iter::once(record.called_at).chain(record.repeated_at).map(|at| (RecordCall::Full, at));
    let bare = record.bare_at.map(|at| (RecordCall::Bare, at));
    let corrections = record.corrections.iter().enumerate();
    let corrections = corrections.map(|(index, correction)| (RecordCall::Correction(index), correction.called_at));
    full.chain(bare).chain(corrections).collect()
}

/// Arrival times of an update: one, or two if it is delivered twice.
fn arrivals(rng: &mut SeededRng, at: i64, arrival: Arrival) -> Vec<i64> {
    if arrival == Arrival::Immediate {
        return vec![at];
    }
    let mut arrivals = vec![at + latency(rng)];
    if rng.chance(4) {
        let wait = if rng.chance(60) { rng.skewed(SECOND, 30 * MINUTE) } else { rng.skewed(HOUR, 6 * DAY) };
        arrivals.push(at + wait);
    }
    arrivals
}

fn latency(rng: &mut SeededRng) -> i64 {
    match rng.below(100) {
        0..=84 => rng.skewed(150, 4 * SECOND),
        85..=95 => rng.skewed(4 * SECOND, 20 * MINUTE),
        _ => rng.skewed(20 * MINUTE, 7 * DAY),
    }
}

fn provider(webhook: WebhookKind) -> SimulatedProvider {
    match webhook {
        WebhookKind::Meta => SimulatedProvider::Meta,
        WebhookKind::WooshRelay | WebhookKind::WooshStatus | WebhookKind::WooshFlat => SimulatedProvider::Woosh,
        WebhookKind::Interakt | WebhookKind::InteraktFlow | WebhookKind::InteraktEcho => SimulatedProvider::Interakt,
        WebhookKind::WasenderSent
        | WebhookKind::WasenderUpdate
        | WebhookKind::WasenderUpsert
        | WebhookKind::WasenderReceived
        | WebhookKind::WasenderPersonal => SimulatedProvider::Wasender,
        WebhookKind::Tracker => SimulatedProvider::Tracker,
    }
}

/// Simulates outages: for hours nothing is delivered, then everything arrives at once.
fn outages(world: &World, rng: &mut SeededRng, deliveries: &mut [Delivery]) {
    let first = world.clock.start_of(world.options.start);
    let days = i64::from(world.options.days.max(1));
    for _ in 0..1 + days / 15 {
        let begin = first + rng.between(0, days * DAY);
        let end = begin + rng.between(8 * HOUR, 30 * HOUR);
        for delivery in deliveries.iter_mut() {
            if (begin..end).contains(&delivery.received_at) {
                delivery.received_at = end;
                delivery.delayed_by_outage = true;
            }
        }
    }
}

/// Groups updates into POSTs: mostly one each, sometimes a few, after an outage as many as fit.
fn batches(
    world: &World,
    rng: &mut SeededRng,
    provider: SimulatedProvider,
    mut deliveries: Vec<Delivery>,
) -> Vec<Post> {
    deliveries.sort_by_key(|delivery| (delivery.received_at, delivery.tie));
    let limit = world.options.batch_max.max(1);
    let mut posts: Vec<Post> = Vec::new();
    let mut room = 0;
    let mut open_until = i64::MIN;
    for delivery in deliveries {
        match posts.last_mut() {
            Some(post) if room > 0 && delivery.received_at <= open_until => {
                post.received_at = delivery.received_at;
                post.updates.push(delivery.update);
                room -= 1;
            }
            _ => {
                let size = match rng.below(100) {
                    _ if delivery.delayed_by_outage => limit,
                    0..=64 => 1,
                    65..=94 => 2 + rng.below(9) as usize,
                    _ => 10 + rng.below(50) as usize,
                };
                room = size.min(limit) - 1;
                open_until = delivery.received_at + if delivery.delayed_by_outage { 0 } else { 30 * MINUTE };
                posts.push(Post { received_at: delivery.received_at, provider, updates: vec![delivery.update] });
            }
        }
    }
    posts
}

/// Repeats some POSTs unchanged, as providers do after a slow answer or for a second subscribed app.
fn retries(rng: &mut SeededRng, posts: &mut Vec<Post>) {
    let mut again = Vec::new();
    for post in posts.iter() {
        let dated_by_receipt = post.updates.iter().any(|update| matches!(update.subject, Subject::Record { .. }));
        if !dated_by_receipt && rng.chance(3) {
            let wait = if rng.chance(70) { rng.skewed(1, 10 * MINUTE) } else { rng.skewed(HOUR, 7 * DAY) };
            again.push(Post { received_at: post.received_at + wait, ..post.clone() });
        }
    }
    posts.append(&mut again);
}
