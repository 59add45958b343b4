//! The truth: what every query of `docs/metrics.md` must answer, computed from the lives. Only what was told counts, in the
//! words of the provider that told it; how often, when and in which order it was told does not.

mod buttons;
mod clicks;
mod counts;
mod groups;
mod known;
mod log;
mod measures;
mod outcomes;
mod table;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use crate::clock::later;
use crate::life::Story;
use crate::world::World;
use known::Knowledge;
use table::Answer;

/// The window of the queries, and the answers.
pub(crate) fn truth(world: &World, story: &Story) -> Value {
    let window = Window::of(world);
    let knowledge = Knowledge::new(world, story, window);
    let mut answers: Vec<Answer> = Vec::new();
    answers.extend(groups::answers(&knowledge));
    answers.extend(buttons::answers(&knowledge));
    answers.extend(clicks::answers(&knowledge));
    answers.extend(outcomes::answers(&knowledge));
    answers.extend(log::answers(&knowledge));
    answers.extend(counts::answers(&knowledge));
    let queries: Map<String, Value> = answers.into_iter().map(Answer::into_json).collect();
    json!({
        "parameters": {
            "from": window.from.to_string(),
            "to": window.to.to_string(),
            "timezone": world.options.timezone,
            "attribution_hours": world.options.attribution_hours,
        },
        "queries": queries,
        "counts": counts::rows_of_tables(&knowledge),
    })
}

/// The local days that are asked for, both included.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    from: jiff::civil::Date,
    to: jiff::civil::Date,
}

impl Window {
    /// All days but the first and the last, so that there is something on either side; all of them if they are few.
    fn of(world: &World) -> Self {
        let days = i64::from(world.options.days);
        let margin = i64::from(days > 3);
        let start = world.options.start;
        Window { from: later(start, margin), to: later(start, days - 1 - margin) }
    }
}
