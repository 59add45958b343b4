//! Failures, costs and opt-outs.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::known::{Knowledge, Message, name_of, tally};
use super::measures::count;
use super::table::{Answer, nulls_last, rate};
use crate::scenario::UnrelatedEventKind;

/// Answers `failures`, `failures_by_class`, `cost_by_category` and `opt_outs`.
pub(super) fn answers(knowledge: &Knowledge<'_>) -> Vec<Answer> {
    let cohort: Vec<&Message> = knowledge.cohort().collect();
    vec![failures(&cohort), failures_by_class(&cohort), costs(&cohort), opt_outs(knowledge)]
}

/// Class of an error code and advice, for the codes that the simulator uses. Source: `docs/metrics.md`.
fn class(code: Option<i64>) -> (&'static str, &'static str) {
    match code {
        None => ("unknown", "ask the provider"),
        Some(130_472 | 131_049 | 131_050) => ("limited_by_meta", "do not resend; the number is good"),
        Some(131_026) => ("undeliverable", "check the number or use another channel"),
        Some(131_047) => ("window_closed", "send a template"),
        Some(131_056) => ("throttled", "slow down and resend"),
        Some(132_015) => ("template", "correct the template or its parameters"),
        Some(131_042) => ("account", "repair the account or its permissions"),
        Some(131_053) => ("media", "correct the media file"),
        Some(131_000) => ("request", "correct the request, or resend if Meta was at fault"),
        Some(_) => ("other", "look the code up"),
    }
}

fn failures(messages: &[&Message]) -> Answer {
    let failed: Vec<&Message> = messages.iter().copied().filter(|message| message.is_failed()).collect();
    // Failures without a code are distinguished by their reason text.
    let key = |message: &Message| {
        let reason = message.error_message.clone().or_else(|| message.error_title.clone());
        (message.error_code, reason.filter(|_| message.error_code.is_none()))
    };
    let mut codes: BTreeMap<(Option<i64>, Option<String>), Vec<&Message>> = BTreeMap::new();
    for &message in &failed {
        codes.entry(key(message)).or_default().push(message);
    }
    let mut codes: Vec<_> = codes.into_iter().collect();
    codes.sort_by_key(|((code, reason), messages)| {
        (Reverse(messages.len()), class(*code).0, nulls_last(code), nulls_last(reason))
    });
    let rows = codes.into_iter().map(|((code, _), messages)| {
        let (class, advice) = class(code);
        let title = messages.iter().filter_map(|message| message.error_title.as_deref()).min();
        let reason = messages.iter().filter_map(|message| message.error_message.as_deref()).min();
        let share = rate(messages.len() as u64, failed.len() as u64);
        vec![json!(class), json!(code), json!(title), json!(reason), json!(advice), json!(messages.len()), share]
    });
    let columns = vec!["error_class", "error_code", "error_title", "error_message", "advice", "messages", "share"];
    Answer::new("failures", columns, rows.collect())
}

fn failures_by_class(messages: &[&Message]) -> Answer {
    let failed = messages.iter().filter(|message| message.is_failed());
    let classes = tally(failed.map(|message| class(message.error_code)));
    let total: u64 = classes.values().sum();
    let mut classes: Vec<_> = classes.into_iter().collect();
    classes.sort_by_key(|((class, _), count)| (Reverse(*count), *class));
    let rows = classes.into_iter().map(|((class, advice), count)| {
        vec![json!(class), json!(count), rate(count, total), rate(count, messages.len() as u64), json!(advice)]
    });
    let columns = vec!["error_class", "messages", "share", "cohort_share", "advice"];
    Answer::new("failures_by_class", columns, rows.collect())
}

fn costs(messages: &[&Message]) -> Answer {
    let mut groups: BTreeMap<(&str, &str), Vec<&Message>> = BTreeMap::new();
    for &message in messages {
        if let Some(price) = message.price {
            groups.entry((price.category, price.kind)).or_default().push(message);
        }
    }
    // Meta charges for delivered messages.
    let billed = |messages: &[&Message]| {
        count(messages, |message| message.is_delivered() && message.price.is_some_and(|price| price.billable))
    };
    let total: u64 = groups.values().map(|messages| billed(messages)).sum();
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(names, messages)| (Reverse(messages.len()), *names));
    let rows = groups.into_iter().map(|((category, kind), messages)| {
        let billable = billed(&messages);
        let delivered = count(&messages, Message::is_delivered);
        vec![
            json!(category),
            json!(kind),
            json!(messages.len()),
            json!(delivered),
            json!(billable),
            rate(billable, total),
        ]
    });
    let columns = vec!["pricing_category", "pricing_type", "messages", "delivered", "billable_messages", "share"];
    Answer::new("cost_by_category", columns, rows.collect())
}

fn opt_outs(knowledge: &Knowledge<'_>) -> Answer {
    #[derive(Default)]
    struct Day {
        stops: u64,
        resumes: u64,
        persons: BTreeSet<String>,
    }
    let mut days: BTreeMap<String, Day> = BTreeMap::new();
    for unrelated in knowledge.scenario.unrelated_events.iter().filter(|unrelated| knowledge.in_window(unrelated.at)) {
        let UnrelatedEventKind::Preference { stop } = unrelated.kind else { continue };
        let day = days.entry(knowledge.day(unrelated.at).to_string()).or_default();
        if stop {
            day.stops += 1;
            day.persons.extend(name_of(knowledge.world.person(unrelated.person)));
        } else {
            day.resumes += 1;
        }
    }
    let row = |(date, day): (String, Day)| -> Vec<Value> {
        let counts = [day.stops, day.resumes, day.persons.len() as u64].map(|count| json!(count));
        [vec![json!(date), json!("marketing_messages")], counts.to_vec()].concat()
    };
    let columns = vec!["event_date", "category", "stops", "resumes", "persons_stopped"];
    Answer::new("opt_outs", columns, days.into_iter().map(row).collect())
}
