//! Clicks per button, per position, per list row and per flow; repeated clicks and click sequences.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::known::{Knowledge, KnownClick, Message, tally};
use super::measures::{count, recipients};
use super::table::{Answer, nulls_last, rate};

/// Answers `ctr_by_button`, `ctr_by_position`, `list_rows`, `flows`, `reclicks` and `click_sequence`.
pub(super) fn answers(knowledge: &Knowledge<'_>) -> Vec<Answer> {
    let cohort: Vec<&Message> = knowledge.cohort().collect();
    let clickable: Vec<&Message> = knowledge.clickable().collect();
    vec![
        by_button(&clickable),
        by_position(&cohort),
        list_rows(&cohort),
        flows(&cohort),
        reclicks(&cohort),
        sequence(&cohort),
    ]
}

/// The clicks on one button of a message.
fn clicks_on<'m>(message: &'m Message, button: &'m str) -> impl Iterator<Item = &'m KnownClick> {
    message.clicks.iter().filter(move |click| click.button().as_deref() == Some(button))
}

fn was_clicked(message: &Message, button: &str) -> bool {
    clicks_on(message, button).next().is_some()
}

fn by_button(messages: &[&Message]) -> Answer {
    let mut pairs: BTreeSet<(Option<&str>, String)> = BTreeSet::new();
    let mut templates: BTreeMap<Option<&str>, Vec<&Message>> = BTreeMap::new();
    for message in messages {
        let template = message.template.as_deref();
        templates.entry(template).or_default().push(message);
        let clicked = message.clicks.iter().filter_map(KnownClick::button);
        let shown = message.buttons.iter().flatten().cloned();
        pairs.extend(clicked.chain(shown).map(|button| (template, button)));
    }
    let mut rows: Vec<_> = pairs
        .into_iter()
        .map(|(template, button)| {
            let of_template = templates.get(&template).map(Vec::as_slice).unwrap_or_default();
            let shows = |message: &Message| {
                let listed = message.buttons.as_ref().is_none_or(|buttons| buttons.contains(&button));
                listed || was_clicked(message, &button)
            };
            let shown: Vec<&Message> = of_template.iter().copied().filter(|message| shows(message)).collect();
            let delivered = count(&shown, Message::is_delivered);
            let read = count(&shown, Message::is_read);
            let clicked = count(&shown, |message| was_clicked(message, &button));
            let clicks: Vec<&KnownClick> = shown.iter().flat_map(|message| clicks_on(message, &button)).collect();
            let text = clicks.iter().filter_map(|click| click.button_text.as_deref()).min();
            let row = vec![
                json!(template),
                json!(button),
                json!(text),
                json!(delivered),
                json!(read),
                json!(clicked),
                json!(clicks.len()),
                json!(recipients(&shown, |message| was_clicked(message, &button))),
                rate(clicked, delivered),
                rate(clicked, read),
            ];
            ((std::cmp::Reverse(clicked), nulls_last(&template), button.clone()), row)
        })
        .collect();
    rows.sort_by(|(left, _), (right, _)| left.cmp(right));
    let columns = vec![
        "template_name",
        "button",
        "button_text",
        "delivered",
        "read",
        "clicked",
        "clicks",
        "clickers",
        "ctr",
        "click_to_read",
    ];
    Answer::new("ctr_by_button", columns, rows.into_iter().map(|(_, row)| row).collect())
}

/// First position of a button in its message, from 1.
fn position(message: &Message, button: &str) -> Option<usize> {
    let place = message.buttons.as_ref()?.iter().position(|id| id == button)?;
    Some(place + 1)
}

fn by_position(messages: &[&Message]) -> Answer {
    let length = |message: &Message| message.buttons.as_ref().map_or(0, Vec::len);
    let longest = messages.iter().map(|message| length(message)).max().unwrap_or(0);
    let clicks_at = |message: &Message, wanted: usize| {
        let buttons = message.clicks.iter().filter_map(KnownClick::button);
        buttons.filter(|button| position(message, button) == Some(wanted)).count() as u64
    };
    let rows = (1..=longest).map(|place| {
        let delivered = count(messages, |message| length(message) >= place && message.is_delivered());
        let clicked = count(messages, |message| clicks_at(message, place) > 0);
        let clicks: u64 = messages.iter().map(|message| clicks_at(message, place)).sum();
        vec![json!(place), json!(delivered), json!(clicked), json!(clicks), rate(clicked, delivered)]
    });
    Answer::new("ctr_by_position", vec!["position", "delivered", "clicked", "clicks", "ctr"], rows.collect())
}

/// A click and its message.
type ClickOn<'m> = (&'m Message, &'m KnownClick);

/// All clicks of a kind, with their messages.
fn clicks_of_kind<'m>(messages: &[&'m Message], kind: &str) -> Vec<ClickOn<'m>> {
    let pairs = messages.iter().flat_map(|&message| message.clicks.iter().map(move |click| (message, click)));
    pairs.filter(|(_, click)| click.kind == kind).collect()
}

/// Number of distinct messages and distinct recipients.
fn reach(clicks: &[ClickOn<'_>]) -> [Value; 2] {
    let messages: BTreeSet<&str> = clicks.iter().map(|(message, _)| message.id.as_str()).collect();
    let people: BTreeSet<&str> = clicks.iter().filter_map(|(message, _)| message.recipient.as_deref()).collect();
    [json!(messages.len()), json!(people.len())]
}

fn list_rows(messages: &[&Message]) -> Answer {
    let all = clicks_of_kind(messages, "list_reply");
    let mut groups: BTreeMap<Option<String>, Vec<ClickOn<'_>>> = BTreeMap::new();
    for &pair in &all {
        groups.entry(pair.1.button_id.clone()).or_default().push(pair);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(row, clicks)| (std::cmp::Reverse(clicks.len()), nulls_last(row)));
    let rows = groups.into_iter().map(|(row, clicks)| {
        let [clicked, clickers] = reach(&clicks);
        let title = clicks.iter().filter_map(|(_, click)| click.button_text.as_deref()).min();
        let description = clicks.iter().filter_map(|(_, click)| click.description.as_deref()).min();
        let share = rate(clicks.len() as u64, all.len() as u64);
        vec![json!(row), json!(title), json!(description), clicked, json!(clicks.len()), clickers, share]
    });
    let columns = vec!["row_id", "row_title", "row_description", "clicked", "clicks", "clickers", "share"];
    Answer::new("list_rows", columns, rows.collect())
}

fn flows(messages: &[&Message]) -> Answer {
    let mut groups: BTreeMap<(Option<&str>, Option<String>), Vec<ClickOn<'_>>> = BTreeMap::new();
    for (message, click) in clicks_of_kind(messages, "flow_reply") {
        groups.entry((click.flow_name, message.template.clone())).or_default().push((message, click));
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|((flow, template), clicks)| {
        (std::cmp::Reverse(clicks.len()), nulls_last(flow), nulls_last(template))
    });
    let rows = groups.into_iter().map(|((flow, template), clicks)| {
        let delivered = count(messages, |message| message.template == template && message.is_delivered());
        let submitted: BTreeSet<&str> = clicks.iter().map(|(message, _)| message.id.as_str()).collect();
        let [_, persons] = reach(&clicks);
        let submitted = submitted.len() as u64;
        let clicks = json!(clicks.len());
        vec![
            json!(flow),
            json!(template),
            json!(delivered),
            json!(submitted),
            clicks,
            persons,
            rate(submitted, delivered),
        ]
    });
    let columns =
        vec!["flow_name", "template_name", "delivered", "submitted", "submissions", "persons", "submission_rate"];
    Answer::new("flows", columns, rows.collect())
}

fn reclicks(messages: &[&Message]) -> Answer {
    let mut groups: BTreeMap<usize, Vec<&Message>> = BTreeMap::new();
    for &message in messages.iter().filter(|message| message.is_clicked()) {
        groups.entry(message.clicks.len()).or_default().push(message);
    }
    let same_twice = |message: &Message| {
        tally(message.clicks.iter().filter_map(KnownClick::button)).into_values().any(|clicks| clicks > 1)
    };
    let rows = groups.into_iter().map(|(clicks, messages)| {
        let persons = recipients(&messages, |_| true);
        vec![json!(clicks), json!(messages.len()), json!(persons), json!(count(&messages, same_twice))]
    });
    Answer::new("reclicks", vec!["clicks", "messages", "persons", "same_button"], rows.collect())
}

fn sequence(messages: &[&Message]) -> Answer {
    let steps = messages.iter().flat_map(|message| {
        let before = std::iter::once(None).chain(message.clicks.iter().map(Some));
        before
            .zip(&message.clicks)
            .enumerate()
            .map(|(index, (before, click))| (index + 1, before.and_then(KnownClick::button), click.button()))
    });
    let mut groups: Vec<_> = tally(steps).into_iter().collect();
    groups.sort_by_key(|((position, previous, button), clicks)| {
        (*position, std::cmp::Reverse(*clicks), nulls_last(previous), nulls_last(button))
    });
    let rows = groups.into_iter().map(|((position, previous, button), clicks)| {
        vec![json!(position), json!(previous), json!(button), json!(clicks)]
    });
    Answer::new("click_sequence", vec!["position", "previous_button", "button", "clicks"], rows.collect())
}
