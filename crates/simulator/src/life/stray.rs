//! What happens besides the messages of the business: people write unasked, opt out, call; the business answers by hand.
//! Some of it looks like a click or a status and must not count as one.

use super::{ReplyKind, Stray, StrayWhat, Teller};
use crate::clock::{HOUR, SECOND, later};
use crate::options::SimulatedProvider;
use crate::random::Dice;
use crate::world::World;

/// What a workflow's list offers.
const WORKFLOW_CHOICES: [&str; 3] = ["1-50", "51-500", "500+"];

/// One stray happening for about every 6 messages.
pub(super) fn strays(world: &World) -> Vec<Stray> {
    let mut dice = Dice::new(world.options.seed, 3);
    let count = world.options.messages / 6;
    (0..count).filter_map(|_| stray(world, &mut dice)).collect()
}

fn stray(world: &World, dice: &mut Dice) -> Option<Stray> {
    if world.people.is_empty() {
        return None;
    }
    let person = dice.below(world.people.len() as u64) as usize;
    let day = later(world.options.start, dice.below(u64::from(world.options.days.max(1))) as i64);
    let at = world.clock.instant(day, dice.between(0, 86_399)) / SECOND * SECOND;
    let roll = dice.below(100);
    let id = format!("wamid.HBgS{}", dice.hex(26).to_uppercase());
    let kind = *dice.pick(&[ReplyKind::Text, ReplyKind::Text, ReplyKind::Image]);
    let (what, told) = match world.person(person).provider {
        SimulatedProvider::Meta => (meta(dice, roll, id, kind), vec![Teller::Meta]),
        SimulatedProvider::Woosh => {
            let what = match roll {
                0..=69 => StrayWhat::Message { id, kind, from_ad: false },
                _ => StrayWhat::ClickOnUnknown { id, message: unknown_message(dice), button: "old_menu".to_owned() },
            };
            (what, vec![Teller::WooshRelay])
        }
        SimulatedProvider::Interakt => {
            let what = match roll {
                0..=59 => StrayWhat::Message { id: dice.uuid(), kind, from_ad: false },
                60..=69 => StrayWhat::Echo { id: dice.uuid() },
                70..=79 => StrayWhat::Workflow {
                    run: dice.uuid(),
                    chosen_at: at - dice.skewed(SECOND, HOUR),
                    choice: dice.pick::<&str>(&WORKFLOW_CHOICES),
                },
                _ => StrayWhat::TemplateNews { template: format!("news_{}", dice.below(9)) },
            };
            let twice = matches!(what, StrayWhat::Workflow { .. });
            (what, if twice { vec![Teller::Interakt, Teller::InteraktFlow] } else { vec![Teller::Interakt] })
        }
        SimulatedProvider::Wasender => {
            let id = format!("3A{}", dice.hex(18).to_uppercase());
            match roll {
                0..=84 => {
                    let tellers = vec![Teller::WasenderUpsert, Teller::WasenderReceived];
                    (StrayWhat::Message { id, kind, from_ad: false }, tellers)
                }
                _ => (StrayWhat::Echo { id }, vec![Teller::WasenderUpsert]),
            }
        }
        SimulatedProvider::Tracker => return None,
    };
    Some(Stray { at, what, person, told })
}

fn meta(dice: &mut Dice, roll: u64, id: String, kind: ReplyKind) -> StrayWhat {
    match roll {
        0..=39 => StrayWhat::Message { id, kind, from_ad: roll < 10 },
        40..=51 => StrayWhat::ClickOnUnknown { id, message: unknown_message(dice), button: "old_menu".to_owned() },
        52..=57 => StrayWhat::LostClick { id, was: dice.pick::<&str>(&["button", "interactive", "list", "edit"]) },
        58..=64 => StrayWhat::LandingPage { click: dice.hex(20), token: dice.hex(24) },
        65..=84 => StrayWhat::Preference { stop: roll < 80 },
        85..=89 => StrayWhat::Call { id: format!("wacid.{}", dice.hex(24).to_uppercase()) },
        90..=93 => StrayWhat::Echo { id },
        94..=96 => StrayWhat::OldPayment { message: unknown_message(dice) },
        _ => StrayWhat::TemplateNews { template: format!("news_{}", dice.below(9)) },
    }
}

fn unknown_message(dice: &mut Dice) -> String {
    format!("wamid.HBgU{}", dice.hex(26).to_uppercase())
}
