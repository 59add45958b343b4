//! Clicks that happened in the window, attributed or not: by kind, link and hour; and clicks and receipts that belong
//! to no message, by reason.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::known::{Knowledge, KnownClick};
use super::table::{Answer, nulls_last};

/// Answers `interaction_kinds`, `link_clicks`, `clicks_by_hour`, `unattributed_clicks` and `unattributed_receipts`.
pub(super) fn answers(knowledge: &Knowledge<'_>) -> Vec<Answer> {
    let clicks: Vec<&KnownClick> = knowledge.clicks_of_window().collect();
    vec![
        kinds(&clicks),
        links(&clicks),
        by_hour(knowledge, &clicks),
        unattributed(&clicks),
        unattributed_receipts(knowledge),
    ]
}

fn group<'c, K: Ord>(
    clicks: impl Iterator<Item = &'c KnownClick>,
    key: impl Fn(&KnownClick) -> K,
) -> BTreeMap<K, Vec<&'c KnownClick>> {
    let mut groups: BTreeMap<K, Vec<&KnownClick>> = BTreeMap::new();
    for click in clicks {
        groups.entry(key(click)).or_default().push(click);
    }
    groups
}

fn persons(clicks: &[&KnownClick]) -> Value {
    json!(clicks.iter().filter_map(|click| click.person.as_deref()).collect::<BTreeSet<_>>().len())
}

fn with_message(clicks: &[&KnownClick]) -> usize {
    clicks.iter().filter(|click| click.message.is_some()).count()
}

fn kinds(clicks: &[&KnownClick]) -> Answer {
    let mut groups: Vec<_> = group(clicks.iter().copied(), |click| click.kind).into_iter().collect();
    groups.sort_by_key(|(kind, clicks)| (std::cmp::Reverse(clicks.len()), *kind));
    let rows = groups
        .into_iter()
        .map(|(kind, clicks)| vec![json!(kind), json!(clicks.len()), json!(with_message(&clicks)), persons(&clicks)]);
    Answer::new("interaction_kinds", vec!["kind", "clicks", "with_message", "persons"], rows.collect())
}

fn links(clicks: &[&KnownClick]) -> Answer {
    let links = clicks.iter().copied().filter(|click| matches!(click.kind, "link_click" | "landing_page_view"));
    let mut rows: Vec<_> = group(links, |click| (click.url.clone(), click.description.clone()))
        .into_iter()
        .map(|((url, component), clicks)| {
            let tokens: BTreeSet<&str> = clicks.iter().filter_map(|click| click.token.as_deref()).collect();
            let (opened, viewed): (Vec<&KnownClick>, Vec<&KnownClick>) =
                clicks.iter().partition(|click| click.kind == "link_click");
            let order = (
                std::cmp::Reverse(opened.len()),
                std::cmp::Reverse(viewed.len()),
                nulls_last(&url),
                nulls_last(&component),
            );
            let counts = [opened.len(), viewed.len(), with_message(&opened), tokens.len()].map(|count| json!(count));
            (order, [vec![json!(url), json!(component)], counts.to_vec()].concat())
        })
        .collect();
    rows.sort_by(|(left, _), (right, _)| left.cmp(right));
    let columns = vec!["url", "component", "clicks", "landing_page_views", "with_message", "tokens"];
    Answer::new("link_clicks", columns, rows.into_iter().map(|(_, row)| row).collect())
}

fn by_hour(knowledge: &Knowledge<'_>, clicks: &[&KnownClick]) -> Answer {
    let counting = clicks.iter().copied().filter(|click| click.counts());
    let hours = group(counting, |click| {
        let local = knowledge.world.clock.local(click.at);
        (local.weekday().to_monday_one_offset(), local.hour())
    });
    let rows = hours
        .into_iter()
        .map(|((weekday, hour), clicks)| vec![json!(weekday), json!(hour), json!(clicks.len()), persons(&clicks)]);
    Answer::new("clicks_by_hour", vec!["weekday", "hour", "clicks", "persons"], rows.collect())
}

fn unattributed(clicks: &[&KnownClick]) -> Answer {
    let lost = clicks.iter().copied().filter(|click| click.counts() && !click.attributed);
    let reason = |click: &KnownClick| {
        if click.message.is_none() { "no_message_id" } else { "unknown_message" }
    };
    let groups = group(lost, |click| (reason(click), click.provider, click.kind));
    let rows = groups.into_iter().map(|((reason, provider, kind), clicks)| {
        vec![json!(reason), json!(provider), json!(kind), json!(clicks.len()), persons(&clicks)]
    });
    let columns = vec!["reason", "provider", "kind", "clicks", "persons"];
    Answer::new("unattributed_clicks", columns, rows.collect())
}

fn unattributed_receipts(knowledge: &Knowledge<'_>) -> Answer {
    let mut groups: BTreeMap<(&str, &str, &str), Vec<&str>> = BTreeMap::new();
    for receipt in knowledge.receipts.iter().filter(|receipt| knowledge.in_window(receipt.at)) {
        groups.entry((receipt.reason, receipt.provider, receipt.status)).or_default().push(&receipt.message);
    }
    let rows = groups.into_iter().map(|((reason, provider, status), messages)| {
        let distinct = messages.iter().collect::<BTreeSet<_>>().len();
        vec![json!(reason), json!(provider), json!(status), json!(messages.len()), json!(distinct)]
    });
    let columns = vec!["reason", "provider", "status", "receipts", "messages"];
    Answer::new("unattributed_receipts", columns, rows.collect())
}
