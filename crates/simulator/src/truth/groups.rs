//! Click-through rates and funnels: in total, by day, template, campaign, provider and event; and rates by local hour.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::known::{Knowledge, Message};
use super::measures::{CTR_COLUMNS, FUNNEL_COLUMNS, count, ctr, funnel};
use super::table::{Answer, nulls_last, rate};

/// The value that a query groups by.
type Attribute = fn(&Message) -> Option<String>;

fn provider(message: &Message) -> Option<String> {
    Some(message.provider.to_owned())
}

fn event(message: &Message) -> Option<String> {
    message.record.as_ref().and_then(|record| record.event.clone())
}

/// Answers those `ctr_*` and `funnel_*` queries that group by an attribute in this module's first line.
pub(super) fn answers(knowledge: &Knowledge<'_>) -> Vec<Answer> {
    let cohort: Vec<&Message> = knowledge.cohort().collect();
    let clickable: Vec<&Message> = knowledge.clickable().collect();
    let template: Attribute = |message| message.template.clone();
    let columns = |first: &[&'static str], measures: &[&'static str]| [first, measures].concat();
    let one = |name, column, messages: &[&Message], attribute, measures: Measures| {
        let rows = by(messages, attribute, false, measures);
        Answer::new(name, columns(&[column], measures.columns()), rows)
    };
    let campaign = |name, messages: &[&Message], measures: Measures| {
        let rows = by(messages, |message| message.campaign_id.clone(), true, measures);
        Answer::new(name, columns(&["campaign_id", "campaign_name"], measures.columns()), rows)
    };
    let daily = |name, messages: &[&Message], measures: Measures| {
        Answer::new(name, columns(&["sent_date"], measures.columns()), daily(knowledge, messages, measures))
    };
    vec![
        Answer::new("ctr_total", CTR_COLUMNS.to_vec(), vec![ctr(&clickable)]),
        one("ctr_by_template", "template_name", &clickable, template, Measures::Ctr),
        campaign("ctr_by_campaign", &clickable, Measures::Ctr),
        one("ctr_by_provider", "provider", &clickable, provider, Measures::Ctr),
        daily("ctr_daily", &clickable, Measures::Ctr),
        daily("funnel_daily", &cohort, Measures::Funnel),
        one("funnel_by_template", "template_name", &cohort, template, Measures::Funnel),
        campaign("funnel_by_campaign", &cohort, Measures::Funnel),
        one("funnel_by_provider", "provider", &cohort, provider, Measures::Funnel),
        one("funnel_by_event", "event_id", &cohort, event, Measures::Funnel),
        by_hour(knowledge, &clickable),
    ]
}

#[derive(Clone, Copy)]
enum Measures {
    Ctr,
    Funnel,
}

impl Measures {
    const fn columns(self) -> &'static [&'static str] {
        match self {
            Measures::Ctr => &CTR_COLUMNS,
            Measures::Funnel => &FUNNEL_COLUMNS,
        }
    }

    fn of(self, messages: &[&Message]) -> Vec<Value> {
        match self {
            Measures::Ctr => ctr(messages),
            Measures::Funnel => funnel(messages),
        }
    }
}

/// One row per value, ordered by number of messages, descending.
fn by(messages: &[&Message], attribute: Attribute, names: bool, measures: Measures) -> Vec<Vec<Value>> {
    let mut groups: BTreeMap<Option<String>, Vec<&Message>> = BTreeMap::new();
    for message in messages {
        groups.entry(attribute(message)).or_default().push(message);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(value, messages)| (std::cmp::Reverse(messages.len()), nulls_last(value)));
    let row = |(value, messages): (Option<String>, Vec<&Message>)| {
        let name = messages.iter().filter_map(|message| message.campaign_name.as_deref()).min();
        let mut row = vec![json!(value)];
        row.extend(names.then(|| json!(name)));
        row.extend(measures.of(&messages));
        row
    };
    groups.into_iter().map(row).collect()
}

fn daily(knowledge: &Knowledge<'_>, messages: &[&Message], measures: Measures) -> Vec<Vec<Value>> {
    let mut days: BTreeMap<_, Vec<&Message>> = BTreeMap::new();
    for message in messages {
        days.entry(knowledge.day(message.sent_at.unwrap_or_default())).or_default().push(message);
    }
    let row = |(day, messages): (jiff::civil::Date, Vec<&Message>)| {
        let mut row = vec![json!(day.to_string())];
        row.extend(measures.of(&messages));
        row
    };
    days.into_iter().map(row).collect()
}

fn by_hour(knowledge: &Knowledge<'_>, messages: &[&Message]) -> Answer {
    let mut hours: BTreeMap<(i8, i8), Vec<&Message>> = BTreeMap::new();
    for message in messages {
        let local = knowledge.world.clock.local(message.sent_at.unwrap_or_default());
        hours.entry((local.weekday().to_monday_one_offset(), local.hour())).or_default().push(message);
    }
    let rows = hours.into_iter().map(|((weekday, hour), messages)| {
        let delivered = count(&messages, Message::is_delivered);
        let clicked = count(&messages, Message::is_clicked);
        vec![
            json!(weekday),
            json!(hour),
            json!(messages.len()),
            json!(delivered),
            json!(clicked),
            rate(clicked, delivered),
        ]
    });
    Answer::new("ctr_by_hour", vec!["weekday", "hour", "messages", "delivered", "clicked", "ctr"], rows.collect())
}
