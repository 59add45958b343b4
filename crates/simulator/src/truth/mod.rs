//! The truth: the facts of each message and click, and the answers of most queries of `docs/metrics.md`. It is
//! computed from the timelines, using only reported events with the fields that the reporting provider sends.
//! Duplicates, delays and order of arrival do not matter.

mod buttons;
mod clicks;
mod counts;
mod facts;
mod groups;
mod known;
mod log;
mod measures;
mod outcomes;
mod table;
#[cfg(test)]
mod tests;
mod window;

use serde_json::{Map, Value, json};

use crate::scenario::Scenario;
use crate::world::World;
use known::Knowledge;
use table::Answer;
use window::Window;

/// Computes the truth: query parameters, the answers, the row count of each table, and the facts of each message and
/// click, from which the tests compute the other answers.
pub(crate) fn truth(world: &World, scenario: &Scenario) -> Value {
    let window = Window::of(world);
    let knowledge = Knowledge::new(world, scenario, window);
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
        "facts": facts::facts(&knowledge),
    })
}
