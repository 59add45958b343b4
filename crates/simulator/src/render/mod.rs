//! How each provider tells a happening: its webhooks, body by body.

mod escape;
mod interakt;
mod meta;
mod meta_envelope;
mod tracker;
mod wasender;
mod woosh;

pub(crate) use escape::to_ascii_json;
pub(crate) use meta_envelope::{Change, envelope};

use serde_json::Value;

use crate::life::{Happening, Life, Story, Stray, Teller};
use crate::random::Dice;
use crate::world::{Campaign, Person, World};

/// What an update speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Subject {
    /// A happening of a life, by their indices.
    Happening { life: usize, happening: usize },
    /// The application's record of a sending.
    Record { life: usize },
    /// Something that belongs to no life.
    Stray(usize),
}

/// One telling of one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Update {
    pub(crate) subject: Subject,
    pub(crate) teller: Teller,
}

/// An update in the provider's words.
pub(crate) enum Rendered {
    /// A change of Meta's envelope: may share a POST with others.
    Change(Change),
    /// A body of its own.
    Body(Value),
}

/// What the renderers of statuses, clicks and replies look at.
pub(crate) struct Scene<'a> {
    pub(crate) world: &'a World,
    pub(crate) campaign: &'a Campaign,
    pub(crate) life: &'a Life,
    pub(crate) happening: &'a Happening,
    /// Who did it or to whom it happened; none for a group's own `sent`.
    pub(crate) person: Option<&'a Person>,
}

/// Puts an update into its provider's words: the same words each time it is told.
#[expect(clippy::indexing_slicing, reason = "updates are made of the story's own indices")]
pub(crate) fn render(world: &World, story: &Story, update: Update) -> Option<Rendered> {
    let dice = &mut Dice::new(world.options.seed, purpose(update));
    match update.subject {
        Subject::Happening { life, happening } => {
            let life = &story.lives[life];
            let happening = &life.happenings[happening];
            let scene = Scene {
                world,
                campaign: world.campaign(life.campaign),
                life,
                happening,
                person: happening.person.map(|person| world.person(person)),
            };
            happening_by(&scene, update.teller, dice)
        }
        Subject::Record { life } => Some(Rendered::Body(tracker::record(world, &story.lives[life])?)),
        Subject::Stray(index) => stray_by(world, &story.strays[index], update.teller, dice),
    }
}

fn happening_by(scene: &Scene<'_>, teller: Teller, dice: &mut Dice) -> Option<Rendered> {
    match teller {
        Teller::Meta | Teller::WooshRelay => meta::happening(scene, dice).map(Rendered::Change),
        Teller::WooshStatus => woosh::status(scene, dice).map(Rendered::Body),
        Teller::WooshFlat => woosh::flat_status(scene).map(Rendered::Body),
        Teller::Interakt | Teller::InteraktFlow => interakt::happening(scene, teller, dice).map(Rendered::Body),
        Teller::WasenderSent
        | Teller::WasenderUpdate
        | Teller::WasenderUpsert
        | Teller::WasenderReceived
        | Teller::WasenderPersonal => wasender::happening(scene, teller, dice).map(Rendered::Body),
        Teller::Tracker => tracker::status(scene).map(Rendered::Body),
    }
}

fn stray_by(world: &World, stray: &Stray, teller: Teller, dice: &mut Dice) -> Option<Rendered> {
    match teller {
        Teller::Meta | Teller::WooshRelay => meta::stray(world, stray, dice).map(Rendered::Change),
        Teller::Interakt | Teller::InteraktFlow => interakt::stray(world, stray, teller, dice).map(Rendered::Body),
        Teller::WasenderUpsert | Teller::WasenderReceived | Teller::WasenderPersonal => {
            wasender::stray(world, stray, teller, dice).map(Rendered::Body)
        }
        _ => None,
    }
}

/// The same dice for all tellings of one thing, so that what two providers say of it agrees.
fn purpose(update: Update) -> u64 {
    match update.subject {
        Subject::Happening { life, happening } => (4 << 56) | ((life as u64) << 16) | happening as u64,
        Subject::Record { life } => (5 << 56) | life as u64,
        Subject::Stray(index) => (6 << 56) | index as u64,
    }
}
