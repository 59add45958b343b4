//! When and in which company each update arrives: late, out of order, twice, or with a thousand others after an outage.

use crate::clock::{DAY, HOUR, MINUTE, SECOND};
use crate::life::{Story, Teller};
use crate::options::SimulatedProvider;
use crate::random::Dice;
use crate::render::{Subject, Update};
use crate::world::World;

/// One POST: what it tells, and when it comes.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    /// In milliseconds.
    pub(crate) received_at: i64,
    pub(crate) provider: SimulatedProvider,
    /// One update, or as many as Meta's envelope takes.
    pub(crate) updates: Vec<Update>,
}

/// An update on its way.
struct Delivery {
    received_at: i64,
    /// Puts those of the same instant in an order of their own.
    tie: u64,
    update: Update,
    /// Held back by an outage, and let go with others.
    held: bool,
}

/// Every POST in the order of arrival.
pub(crate) fn schedule(world: &World, story: &Story) -> Vec<Post> {
    let mut dice = Dice::new(world.options.seed, 7);
    let mut posts = Vec::new();
    let (mut meta, mut relayed) = (Vec::new(), Vec::new());
    for (update, at, haste) in updates(story) {
        for received_at in arrivals(&mut dice, at, haste) {
            let delivery = Delivery { received_at, tie: dice.bits(), update, held: false };
            match update.teller {
                Teller::Meta => meta.push(delivery),
                Teller::WooshRelay => relayed.push(delivery),
                _ => posts.push(Post { received_at, provider: provider(update.teller), updates: vec![update] }),
            }
        }
    }
    outages(world, &mut dice, &mut meta);
    posts.extend(batches(world, &mut dice, SimulatedProvider::Meta, meta));
    posts.extend(batches(world, &mut dice, SimulatedProvider::Woosh, relayed));
    retries(&mut dice, &mut posts);
    // Posts of one instant come in no order of their own, but always in the same.
    dice.shuffle(&mut posts);
    posts.sort_by_key(|post| post.received_at);
    posts
}

/// How an update may travel.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Haste {
    /// As updates do: mostly within seconds, some days late, some twice.
    None,
    /// It names no time of its own, so that it is dated by its arrival: at once, and once.
    Now,
}

/// Every update with the time of what it tells.
fn updates(story: &Story) -> Vec<(Update, i64, Haste)> {
    let mut updates = Vec::new();
    for (life_index, life) in story.lives.iter().enumerate() {
        for (index, happening) in life.happenings.iter().enumerate() {
            let subject = Subject::Happening { life: life_index, happening: index };
            updates
                .extend(happening.told.iter().map(|&teller| (Update { subject, teller }, happening.at, Haste::None)));
        }
        if let Some(record) = &life.record {
            let update = Update { subject: Subject::Record { life: life_index }, teller: Teller::Tracker };
            updates.push((update, record.called_at, Haste::Now));
            updates.extend(record.repeated_at.map(|at| (update, at, Haste::Now)));
        }
    }
    for (index, stray) in story.strays.iter().enumerate() {
        let subject = Subject::Stray(index);
        updates.extend(stray.told.iter().map(|&teller| (Update { subject, teller }, stray.at, Haste::None)));
    }
    updates
}

/// When an update arrives, once or more often.
fn arrivals(dice: &mut Dice, at: i64, haste: Haste) -> Vec<i64> {
    if haste == Haste::Now {
        return vec![at];
    }
    let mut arrivals = vec![at + latency(dice)];
    if dice.chance(4) {
        let wait = if dice.chance(60) { dice.skewed(SECOND, 30 * MINUTE) } else { dice.skewed(HOUR, 6 * DAY) };
        arrivals.push(at + wait);
    }
    arrivals
}

fn latency(dice: &mut Dice) -> i64 {
    match dice.below(100) {
        0..=84 => dice.skewed(150, 4 * SECOND),
        85..=95 => dice.skewed(4 * SECOND, 20 * MINUTE),
        _ => dice.skewed(20 * MINUTE, 7 * DAY),
    }
}

fn provider(teller: Teller) -> SimulatedProvider {
    match teller {
        Teller::Meta => SimulatedProvider::Meta,
        Teller::WooshRelay | Teller::WooshStatus | Teller::WooshFlat => SimulatedProvider::Woosh,
        Teller::Interakt | Teller::InteraktFlow => SimulatedProvider::Interakt,
        Teller::WasenderSent
        | Teller::WasenderUpdate
        | Teller::WasenderUpsert
        | Teller::WasenderReceived
        | Teller::WasenderPersonal => SimulatedProvider::Wasender,
        Teller::Tracker => SimulatedProvider::Tracker,
    }
}

/// Nothing gets through for hours; then everything comes at once.
fn outages(world: &World, dice: &mut Dice, deliveries: &mut [Delivery]) {
    let first = world.clock.start_of(world.options.start);
    let days = i64::from(world.options.days.max(1));
    for _ in 0..1 + days / 15 {
        let begin = first + dice.between(0, days * DAY);
        let end = begin + dice.between(8 * HOUR, 30 * HOUR);
        for delivery in deliveries.iter_mut() {
            if (begin..end).contains(&delivery.received_at) {
                delivery.received_at = end;
                delivery.held = true;
            }
        }
    }
}

/// Packs updates into POSTs: mostly one, sometimes a few, after an outage as many as go in.
fn batches(world: &World, dice: &mut Dice, provider: SimulatedProvider, mut deliveries: Vec<Delivery>) -> Vec<Post> {
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
                let size = match dice.below(100) {
                    _ if delivery.held => limit,
                    0..=64 => 1,
                    65..=94 => 2 + dice.below(9) as usize,
                    _ => 10 + dice.below(50) as usize,
                };
                room = size.min(limit) - 1;
                open_until = delivery.received_at + if delivery.held { 0 } else { 30 * MINUTE };
                posts.push(Post { received_at: delivery.received_at, provider, updates: vec![delivery.update] });
            }
        }
    }
    posts
}

/// Some POSTs come again as they were: the answer was slow, or another app of the business listens, too.
fn retries(dice: &mut Dice, posts: &mut Vec<Post>) {
    let mut again = Vec::new();
    for post in posts.iter() {
        let dated_by_arrival = post.updates.iter().any(|update| matches!(update.subject, Subject::Record { .. }));
        if !dated_by_arrival && dice.chance(3) {
            let wait = if dice.chance(70) { dice.skewed(1, 10 * MINUTE) } else { dice.skewed(HOUR, 7 * DAY) };
            again.push(Post { received_at: post.received_at + wait, ..post.clone() });
        }
    }
    posts.append(&mut again);
}
