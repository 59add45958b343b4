//! Renders events as webhook bodies, in the format of each provider.

mod escape;
mod interakt;
mod meta;
mod meta_envelope;
mod scene;
mod tracker;
pub(crate) mod wasender;
pub(crate) mod woosh;

pub(crate) use escape::to_ascii_json;
pub(crate) use meta_envelope::envelope;

pub(crate) use scene::{Rendered, Subject, Update};

use scene::Scene;

use crate::random::SeededRng;
use crate::scenario::{Scenario, UnrelatedEvent, WebhookKind};
use crate::world::World;

/// Renders an update. A repeated report of the same event has the same content.
#[expect(clippy::indexing_slicing, reason = "updates are made of the scenario's own indices")]
pub(crate) fn render(world: &World, scenario: &Scenario, update: Update) -> Option<Rendered> {
    let rng = &mut SeededRng::new(world.options.seed, purpose(update));
    match update.subject {
        Subject::Event { timeline, event } => {
            let timeline = &scenario.timelines[timeline];
            let event = &timeline.events[event];
            let scene = Scene {
                world,
                campaign: world.campaign(timeline.campaign),
                timeline,
                event,
                person: event.person.map(|person| world.person(person)),
            };
            render_event(&scene, update.webhook, rng)
        }
        Subject::Record { timeline, call } => {
            Some(Rendered::Body(tracker::record(world, &scenario.timelines[timeline], call)?))
        }
        Subject::Unrelated(index) => render_unrelated(world, &scenario.unrelated_events[index], update.webhook, rng),
    }
}

fn render_event(scene: &Scene<'_>, webhook: WebhookKind, rng: &mut SeededRng) -> Option<Rendered> {
    match webhook {
        WebhookKind::Meta | WebhookKind::WooshRelay => meta::event(scene, rng).map(Rendered::Change),
        WebhookKind::WooshStatus => woosh::status(scene, rng).map(Rendered::Body),
        WebhookKind::WooshFlat => woosh::flat_status(scene).map(Rendered::Body),
        WebhookKind::Interakt | WebhookKind::InteraktFlow | WebhookKind::InteraktEcho => {
            interakt::event(scene, webhook, rng).map(Rendered::Body)
        }
        WebhookKind::WasenderSent
        | WebhookKind::WasenderUpdate
        | WebhookKind::WasenderUpsert
        | WebhookKind::WasenderReceived
        | WebhookKind::WasenderPersonal => wasender::event(scene, webhook, rng).map(Rendered::Body),
        WebhookKind::Tracker => tracker::status(scene).map(Rendered::Body),
    }
}

fn render_unrelated(
    world: &World,
    unrelated: &UnrelatedEvent,
    webhook: WebhookKind,
    rng: &mut SeededRng,
) -> Option<Rendered> {
    match webhook {
        WebhookKind::Meta | WebhookKind::WooshRelay => meta::unrelated(world, unrelated, rng).map(Rendered::Change),
        WebhookKind::Interakt | WebhookKind::InteraktFlow => {
            interakt::unrelated(world, unrelated, webhook, rng).map(Rendered::Body)
        }
        WebhookKind::WasenderUpsert | WebhookKind::WasenderReceived | WebhookKind::WasenderPersonal => {
            wasender::unrelated(world, unrelated, webhook, rng).map(Rendered::Body)
        }
        _ => None,
    }
}

/// Seed of the random stream of an event. All reports of one event use the same stream, so that two providers report
/// the same values.
fn purpose(update: Update) -> u64 {
    match update.subject {
        Subject::Event { timeline, event } => (4 << 56) | ((timeline as u64) << 16) | event as u64,
        Subject::Record { timeline, .. } => (5 << 56) | timeline as u64,
        Subject::Unrelated(index) => (6 << 56) | index as u64,
    }
}
