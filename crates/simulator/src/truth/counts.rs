//! How many rows each table must hold once every webhook came: one per thing that was told, however often it was told.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::known::{Knowledge, name_of, record_times};
use super::table::Answer;
use crate::life::{StrayWhat, What};
use crate::world::Form;

const TABLES: [&str; 5] = ["account_events", "clicks", "messages", "sends", "statuses"];

/// The answers of these queries.
pub(super) fn answers(knowledge: &Knowledge<'_>) -> Vec<Answer> {
    // Providers send strange things, but nothing that has no place: no line may be rejected.
    let rejected_lines =
        Answer::new("rejected_lines", vec!["delivered_on", "reason", "line_count", "objects"], Vec::new());
    vec![data_quality(knowledge), lost_clicks(knowledge), rejected_lines]
}

/// Table and time of every row.
fn rows(knowledge: &Knowledge<'_>) -> Vec<(&'static str, i64)> {
    let mut rows: Vec<(&str, i64)> = knowledge.clicks.iter().map(|click| ("clicks", click.at)).collect();
    for life in &knowledge.story.lives {
        let group = knowledge.world.campaign(life.campaign).form == Form::Group;
        let mut statuses = BTreeSet::new();
        for happening in life.happenings.iter().filter(|happening| !happening.told.is_empty()) {
            let participant = happening.person.filter(|_| group);
            match &happening.what {
                What::State { state, .. } => {
                    statuses.insert((state.name(), happening.at, participant));
                }
                What::Payment(_) => rows.push(("statuses", happening.at)),
                What::Reply(_) => rows.push(("messages", happening.at)),
                What::Click(_) => {}
            }
        }
        rows.extend(statuses.into_iter().map(|(_, at, _)| ("statuses", at)));
        let records = life.record.iter().flat_map(|record| record_times(life, record));
        rows.extend(records.map(|at| ("sends", at)));
    }
    for stray in &knowledge.story.strays {
        match stray.what {
            StrayWhat::Message { .. } | StrayWhat::LostClick { .. } | StrayWhat::Workflow { .. } => {
                rows.push(("messages", stray.at));
            }
            StrayWhat::OldPayment { .. } => rows.push(("statuses", stray.at)),
            StrayWhat::Preference { .. }
            | StrayWhat::Call { .. }
            | StrayWhat::Echo { .. }
            | StrayWhat::TemplateNews { .. } => rows.push(("account_events", stray.at)),
            StrayWhat::ClickOnUnknown { .. } | StrayWhat::LandingPage { .. } => {}
        }
    }
    rows
}

/// The rows of each table over all time.
pub(super) fn rows_of_tables(knowledge: &Knowledge<'_>) -> Value {
    let mut counts: BTreeMap<&str, u64> = TABLES.map(|table| (table, 0)).into();
    for (table, _) in rows(knowledge) {
        *counts.entry(table).or_default() += 1;
    }
    json!(counts)
}

fn data_quality(knowledge: &Knowledge<'_>) -> Answer {
    let mut counts: BTreeMap<&str, u64> = TABLES.map(|table| (table, 0)).into();
    for (table, at) in rows(knowledge) {
        if knowledge.in_window(at) {
            *counts.entry(table).or_default() += 1;
        }
    }
    let rows = counts.into_iter().map(|(table, rows)| vec![json!(table), json!(rows), json!(0)]);
    Answer::new("data_quality", vec!["table_name", "row_count", "repeats"], rows.collect())
}

fn lost_clicks(knowledge: &Knowledge<'_>) -> Answer {
    let mut groups: BTreeMap<(&str, &str), (u64, BTreeSet<String>)> = BTreeMap::new();
    for stray in knowledge.story.strays.iter().filter(|stray| knowledge.in_window(stray.at)) {
        let StrayWhat::LostClick { was, .. } = stray.what else { continue };
        // An edit that was lost is no click.
        if !matches!(was, "button" | "interactive" | "list") {
            continue;
        }
        let person = knowledge.world.person(stray.person);
        let (messages, persons) = groups.entry((was, person.provider.name())).or_default();
        *messages += 1;
        persons.extend(name_of(person));
    }
    let rows = groups.into_iter().map(|((was, provider), (messages, persons))| {
        vec![json!(was), json!(provider), json!(messages), json!(persons.len())]
    });
    Answer::new("lost_clicks", vec!["unsupported_type", "provider", "messages", "persons"], rows.collect())
}
