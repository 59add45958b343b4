//! The world of a simulation: the business's phone numbers, its campaigns, and the people it writes to.

mod campaigns;
mod people;

pub(crate) use campaigns::{Button, ButtonKind, Campaign, Form};
pub(crate) use people::{Line, Person};

use crate::clock::LocalClock;
use crate::options::SimulationOptions;
use crate::random::SeededRng;

/// Options, phone numbers, people and campaigns of a simulation.
pub(crate) struct World {
    pub(crate) options: SimulationOptions,
    pub(crate) clock: LocalClock,
    /// The business phone numbers at Meta.
    pub(crate) lines: Vec<Line>,
    pub(crate) people: Vec<Person>,
    pub(crate) campaigns: Vec<Campaign>,
}

#[expect(clippy::indexing_slicing, reason = "indices come from this world's own lists")]
impl World {
    /// Creates the world of a simulation.
    pub(crate) fn new(options: SimulationOptions, clock: LocalClock) -> Self {
        let lines = people::lines();
        let mut rng = SeededRng::new(options.seed, 1);
        let people = people::people(&mut rng, &options);
        let campaigns = campaigns::campaigns(&mut rng, &options, &people, lines.len());
        World { options, clock, lines, people, campaigns }
    }

    pub(crate) fn person(&self, index: usize) -> &Person {
        &self.people[index]
    }

    pub(crate) fn campaign(&self, index: usize) -> &Campaign {
        &self.campaigns[index]
    }

    pub(crate) fn line(&self, index: usize) -> &Line {
        &self.lines[index]
    }
}
