//! Events unrelated to any business message: people write unprompted, opt out or call, and agents answer manually.
//! Some of these webhooks look like a click or a status but must not count as one.

use super::model::{ReplyKind, UnrelatedEvent, UnrelatedEventKind, WebhookKind};
use crate::clock::{HOUR, SECOND, later};
use crate::options::SimulatedProvider;
use crate::random::SeededRng;
use crate::world::World;

/// Rows of a workflow's list.
const WORKFLOW_CHOICES: [&str; 3] = ["1-50", "51-500", "500+"];

/// Plans about one unrelated event for every six messages.
pub(super) fn unrelated_events(world: &World) -> Vec<UnrelatedEvent> {
    let mut rng = SeededRng::new(world.options.seed, 3);
    let count = world.options.messages / 6;
    (0..count).filter_map(|_| unrelated(world, &mut rng)).collect()
}

fn unrelated(world: &World, rng: &mut SeededRng) -> Option<UnrelatedEvent> {
    if world.people.is_empty() {
        return None;
    }
    let person = rng.below(world.people.len() as u64) as usize;
    let day = later(world.options.start, rng.below(u64::from(world.options.days.max(1))) as i64);
    let at = world.clock.instant(day, rng.between(0, 86_399)) / SECOND * SECOND;
    let roll = rng.below(100);
    let id = format!("wamid.HBgS{}", rng.hex(26).to_uppercase());
    let kind = *rng.pick(&[ReplyKind::Text, ReplyKind::Text, ReplyKind::Image]);
    let (event_kind, reported_by) = match world.person(person).provider {
        SimulatedProvider::Meta => (meta(rng, roll, id, kind), vec![WebhookKind::Meta]),
        SimulatedProvider::Woosh => {
            let event_kind = match roll {
                0..=69 => UnrelatedEventKind::Message { id, kind, from_ad: false },
                _ => UnrelatedEventKind::ClickOnUnknown {
                    id,
                    message: unknown_message(rng),
                    button: "old_menu".to_owned(),
                },
            };
            (event_kind, vec![WebhookKind::WooshRelay])
        }
        SimulatedProvider::Interakt => {
            let event_kind = match roll {
                0..=59 => UnrelatedEventKind::Message { id: rng.uuid(), kind, from_ad: false },
                60..=69 => UnrelatedEventKind::Echo { id: rng.uuid() },
                70..=79 => UnrelatedEventKind::Workflow {
                    run: rng.uuid(),
                    chosen_at: at - rng.skewed(SECOND, HOUR),
                    choice: rng.pick::<&str>(&WORKFLOW_CHOICES),
                },
                _ => UnrelatedEventKind::TemplateNews { template: format!("news_{}", rng.below(9)) },
            };
            let twice = matches!(event_kind, UnrelatedEventKind::Workflow { .. });
            (
                event_kind,
                if twice {
                    vec![WebhookKind::Interakt, WebhookKind::InteraktFlow]
                } else {
                    vec![WebhookKind::Interakt]
                },
            )
        }
        SimulatedProvider::Wasender => {
            let id = format!("3A{}", rng.hex(18).to_uppercase());
            match roll {
                0..=84 => {
                    let webhooks = vec![WebhookKind::WasenderUpsert, WebhookKind::WasenderReceived];
                    (UnrelatedEventKind::Message { id, kind, from_ad: false }, webhooks)
                }
                _ => (UnrelatedEventKind::Echo { id }, vec![WebhookKind::WasenderUpsert]),
            }
        }
        SimulatedProvider::Tracker => return None,
    };
    Some(UnrelatedEvent { at, kind: event_kind, person, reported_by })
}

fn meta(rng: &mut SeededRng, roll: u64, id: String, kind: ReplyKind) -> UnrelatedEventKind {
    match roll {
        0..=39 => UnrelatedEventKind::Message { id, kind, from_ad: roll < 10 },
        40..=51 => {
            UnrelatedEventKind::ClickOnUnknown { id, message: unknown_message(rng), button: "old_menu".to_owned() }
        }
        52..=57 => {
            UnrelatedEventKind::LostClick { id, was: rng.pick::<&str>(&["button", "interactive", "list", "edit"]) }
        }
        58..=64 => UnrelatedEventKind::LandingPage { click: rng.hex(20), token: rng.hex(24) },
        65..=84 => UnrelatedEventKind::Preference { stop: roll < 80 },
        85..=89 => UnrelatedEventKind::Call { id: format!("wacid.{}", rng.hex(24).to_uppercase()) },
        90..=93 => UnrelatedEventKind::Echo { id },
        94..=96 => UnrelatedEventKind::OldPayment { message: unknown_message(rng) },
        _ => UnrelatedEventKind::TemplateNews { template: format!("news_{}", rng.below(9)) },
    }
}

fn unknown_message(rng: &mut SeededRng) -> String {
    format!("wamid.HBgU{}", rng.hex(26).to_uppercase())
}
