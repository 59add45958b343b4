//! Expected row counts: each table holds one row per distinct statement about an event, regardless of repetitions.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::known::{Knowledge, name_of, provider_of, record_times, statements};
use super::table::Answer;
use crate::scenario::{EventKind, UnrelatedEventKind};
use crate::world::Form;

const TABLES: [&str; 5] = ["account_events", "clicks", "messages", "sends", "statuses"];

/// Answers `data_quality`, `lost_clicks` and `rejected_lines`.
pub(super) fn answers(knowledge: &Knowledge<'_>) -> Vec<Answer> {
    // Simulated webhooks are unusual but valid: no line may be rejected.
    let rejected_lines =
        Answer::new("rejected_lines", vec!["delivered_on", "reason", "line_count", "objects"], Vec::new());
    vec![data_quality(knowledge), lost_clicks(knowledge), rejected_lines]
}

/// Table and event time (milliseconds since 1970) of every expected row.
fn rows(knowledge: &Knowledge<'_>) -> Vec<(&'static str, i64)> {
    let mut rows: Vec<(&str, i64)> =
        knowledge.clicks.iter().flat_map(|click| std::iter::repeat_n(("clicks", click.at), click.rows)).collect();
    for timeline in &knowledge.scenario.timelines {
        let campaign = knowledge.world.campaign(timeline.campaign);
        let group = campaign.form == Form::Group;
        let mut statuses = BTreeSet::new();
        for event in timeline.events.iter().filter(|event| !event.reported_by.is_empty()) {
            let participant = event.person.filter(|_| group);
            match &event.kind {
                EventKind::State { state, .. } => {
                    let tellers = event.reported_by.iter().map(|&webhook| provider_of(webhook, campaign.provider));
                    statuses.extend(tellers.map(|teller| (state.name(), event.at, participant, teller)));
                }
                EventKind::Payment(_) => rows.push(("statuses", event.at)),
                EventKind::Reply(_) => {
                    rows.extend(std::iter::repeat_n(("messages", event.at), statements(event, campaign.provider)));
                }
                EventKind::Click(_) => {}
            }
        }
        rows.extend(statuses.into_iter().map(|(_, at, ..)| ("statuses", at)));
        let records = timeline.record.iter().flat_map(|record| record_times(timeline, record));
        rows.extend(records.map(|at| ("sends", at)));
    }
    for unrelated in &knowledge.scenario.unrelated_events {
        match unrelated.kind {
            UnrelatedEventKind::Message { .. }
            | UnrelatedEventKind::LostClick { .. }
            | UnrelatedEventKind::Workflow { .. } => {
                rows.push(("messages", unrelated.at));
            }
            UnrelatedEventKind::OldPayment { .. } => rows.push(("statuses", unrelated.at)),
            UnrelatedEventKind::Preference { .. }
            | UnrelatedEventKind::Call { .. }
            | UnrelatedEventKind::Echo { .. }
            | UnrelatedEventKind::TemplateNews { .. } => rows.push(("account_events", unrelated.at)),
            UnrelatedEventKind::ClickOnUnknown { .. } | UnrelatedEventKind::LandingPage { .. } => {}
        }
    }
    rows
}

/// Expected number of rows of each table, over all time.
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
    for unrelated in knowledge.scenario.unrelated_events.iter().filter(|unrelated| knowledge.in_window(unrelated.at)) {
        let UnrelatedEventKind::LostClick { was, .. } = unrelated.kind else { continue };
        // A lost edit of a message is not a click.
        if !matches!(was, "button" | "interactive" | "list") {
            continue;
        }
        let person = knowledge.world.person(unrelated.person);
        let (messages, persons) = groups.entry((was, person.provider.name())).or_default();
        *messages += 1;
        persons.extend(name_of(person));
    }
    let rows = groups.into_iter().map(|((was, provider), (messages, persons))| {
        vec![json!(was), json!(provider), json!(messages), json!(persons.len())]
    });
    Answer::new("lost_clicks", vec!["unsupported_type", "provider", "messages", "persons"], rows.collect())
}
