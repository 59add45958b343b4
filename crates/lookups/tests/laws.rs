//! Properties of items: the order, grouping and repetition of facts do not change the resulting item.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use bluetick_lookups::{Fact, Item, Merge, Updates};
use proptest::prelude::*;

/// A fact about one of three messages. Times and texts often coincide, so that facts contradict each other at the
/// same time.
pub fn fact() -> impl Strategy<Value = Fact> {
    let table = prop::sample::select(vec!["statuses", "sends", "clicks", "messages", "account_events"]);
    let status = prop::sample::select(vec![
        "accepted",
        "sent",
        "delivered",
        "read",
        "played",
        "failed",
        "deleted",
        "payment_captured",
    ]);
    let text = || prop::option::of(prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned));
    (table, status, 0_i64..4, 0_u8..3, [text(), text(), text(), text()], prop::option::of(0_i64..3), 0_u8..4).prop_map(
        |(table, status, time, message, [one, two, three, four], code, other)| {
            let message_id = Some(format!("wamid.{message}"));
            Fact {
                table: table.to_owned(),
                event_ts: 1_790_000_000_000 + time * 1_000,
                received_at: 1_790_000_100_000,
                status: Some(status.to_owned()),
                kind: Some(if code == Some(0) { "landing_page_view" } else { "quick_reply" }.to_owned()),
                r#type: Some(if code == Some(0) { "reaction" } else { "text" }.to_owned()),
                updated_at: (other > 1).then(|| 1_790_000_000_000 + i64::from(other)),
                click_id: Some(format!("click{other}")),
                button_text: two.clone(),
                message_id: message_id.clone(),
                context_message_id: message_id,
                wa_id: one.clone(),
                user_id: four.clone(),
                group_id: two.clone().filter(|_| code == Some(2)),
                provider: Some("interakt".to_owned()),
                source: Some(if code == Some(1) { "message_received" } else { "message_api_clicked" }.to_owned()),
                error_code: code,
                error_title: two.clone(),
                error_message: three.clone(),
                template_name: two.clone(),
                message_type: three.clone(),
                standalone: code.map(|code| code == 1),
                event_id: four.clone(),
                event_registration_id: three,
                guest_id: one,
                guest_name: four,
            }
        },
    )
}

fn fold(facts: &[Fact]) -> Vec<(String, Item)> {
    let mut updates = Updates::default();
    facts.iter().for_each(|fact| updates.push(fact.clone()));
    updates.take().into_iter().map(|update| (update.message_id, update.item)).collect()
}

fn item(facts: &[Fact]) -> Item {
    let mut item = Item::default();
    for fact in facts {
        if let Some(update) = fact.clone().into_update() {
            item.merge(update.item);
        }
    }
    item
}

proptest! {
    #[test]
    fn order_and_repeats_change_nothing(
        (facts, shuffled) in prop::collection::vec(fact(), 0..25)
            .prop_flat_map(|facts| (Just(facts.clone()), Just([facts.clone(), facts].concat()).prop_shuffle())),
    ) {
        prop_assert_eq!(fold(&facts), fold(&shuffled));
    }

    #[test]
    fn grouping_changes_nothing(facts in prop::collection::vec(fact(), 0..20), cut in 0_usize..20) {
        let (before, after) = facts.split_at(cut.min(facts.len()));
        let mut grouped = item(before);
        grouped.merge(item(after));
        prop_assert_eq!(grouped, item(&facts));
    }

    #[test]
    fn an_item_is_stored_and_read_back(facts in prop::collection::vec(fact(), 0..20)) {
        let item = item(&facts);
        prop_assert_eq!(&serde_json::from_str::<Item>(&serde_json::to_string(&item).unwrap()).unwrap(), &item);
    }

    /// A control: keeping the value that was applied last, instead of the value stated last, violates the property.
    #[test]
    fn taking_what_came_last_would_break_the_law(time in 0_i64..3) {
        let stated = |time: i64, value: &str| Fact {
            received_at: 100,
            updated_at: Some(time),
            table: "sends".to_owned(),
            event_ts: time,
            message_id: Some("m".to_owned()),
            template_name: Some(value.to_owned()),
            ..Fact::default()
        };
        let facts = [stated(time + 1, "new"), stated(time, "old")];
        let came_last = |facts: &[Fact]| facts.last().and_then(|fact| fact.template_name.clone());
        let reversed: Vec<_> = facts.iter().rev().cloned().collect();
        prop_assert_ne!(came_last(&facts), came_last(&reversed));
        let merged = item(&facts);
        prop_assert_eq!(merged.template_name.get().map(String::as_str), Some("new"));
        prop_assert_eq!(merged, item(&reversed));
    }
}
