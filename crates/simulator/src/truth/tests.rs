//! Compares the truth of a few timelines with figures calculated by hand.

use serde_json::{Value, json};

use super::truth;
use crate::clock::{HOUR, LocalClock, SECOND};
use crate::options::{SimulatedProvider, SimulationOptions};
use crate::scenario::{
    Click, Event, EventKind, Failure, MessageTimeline, Reply, ReplyKind, Scenario, State, WebhookKind,
};
use crate::world::{ButtonKind, World};

/// A world of three days with Meta as the only provider, and the index of a campaign with reply buttons.
fn world() -> (World, usize) {
    let options = SimulationOptions {
        messages: 1,
        days: 3,
        providers: vec![SimulatedProvider::Meta],
        ..SimulationOptions::default()
    };
    let clock = LocalClock::new("UTC").unwrap();
    let world = World::new(options, clock);
    let has_buttons = |kind| move |button: &crate::world::Button| button.kind == kind;
    let campaign =
        world.campaigns.iter().position(|campaign| campaign.buttons.iter().any(has_buttons(ButtonKind::Reply)));
    (world, campaign.unwrap())
}

fn reported(at: i64, kind: EventKind) -> Event {
    Event { at, kind, person: Some(0), reported_by: vec![WebhookKind::Meta] }
}

fn unreported(at: i64, kind: EventKind) -> Event {
    Event { reported_by: Vec::new(), ..reported(at, kind) }
}

fn state(state: State) -> EventKind {
    EventKind::State { state, priced: false }
}

fn click(id: &str) -> EventKind {
    EventKind::Click(Click { button: 0, id: id.to_owned(), names_message: true })
}

fn timeline(id: &str, campaign: usize, sent_at: i64, events: Vec<Event>) -> MessageTimeline {
    MessageTimeline {
        id: id.to_owned(),
        campaign,
        person: Some(0),
        sent_at,
        record: None,
        events,
        free_of_charge: false,
    }
}

/// The value of a column in the only row of a query.
fn figure<'t>(truth: &'t Value, query: &str, column: &str) -> &'t Value {
    let answer = &truth["queries"][query];
    let place = answer["columns"].as_array().unwrap().iter().position(|name| name == column).unwrap();
    assert_eq!(answer["rows"].as_array().unwrap().len(), 1, "{query}");
    &answer["rows"][0][place]
}

#[test]
fn rules_at_their_edges() {
    let (world, campaign) = world();
    let sent = world.clock.start_of(world.options.start) + HOUR;
    let window_end = sent + 72 * HOUR;
    let horizon = sent + 168 * HOUR;
    let failure = State::Failed(Failure { code: Some(131_026), title: "Message undeliverable" });
    let reply = |names_message, kind| EventKind::Reply(Reply { id: "r".to_owned(), kind, names_message });
    let timelines = vec![
        // No delivery or read was reported. Clicked at the last instant of the attribution window, and once after it.
        timeline(
            "clicked",
            campaign,
            sent,
            vec![
                reported(sent, state(State::Sent)),
                unreported(sent + SECOND, state(State::Delivered)),
                unreported(sent + 2 * SECOND, state(State::Read)),
                reported(window_end, click("a")),
                reported(window_end + SECOND, click("b")),
            ],
        ),
        // Delivered to two devices, the later one reported first; read one second after the status horizon.
        timeline(
            "delivered",
            campaign,
            sent,
            vec![
                reported(sent, state(State::Sent)),
                reported(sent + 90 * SECOND, state(State::Delivered)),
                reported(sent + 30 * SECOND, state(State::Delivered)),
                reported(horizon + SECOND, state(State::Read)),
            ],
        ),
        // One device failed, another did not; read at the last instant of the status horizon.
        timeline(
            "both",
            campaign,
            sent,
            vec![
                reported(sent, state(State::Sent)),
                reported(sent + 30 * SECOND, state(failure)),
                reported(sent + 40 * SECOND, state(State::Delivered)),
                reported(horizon, state(State::Read)),
            ],
        ),
        timeline("failed", campaign, sent, vec![reported(sent, state(failure))]),
        // Clicked and answered, but no status or send was reported: the message is unknown.
        timeline(
            "unknown",
            campaign,
            sent,
            vec![
                unreported(sent, state(State::Sent)),
                reported(sent + SECOND, click("c")),
                reported(sent + SECOND, EventKind::Payment("captured")),
            ],
        ),
        // Reactions, and answers without a quote, are not replies.
        timeline(
            "sent",
            campaign,
            sent,
            vec![
                reported(sent, state(State::Sent)),
                reported(sent + SECOND, reply(true, ReplyKind::Reaction)),
                reported(sent + 2 * SECOND, reply(false, ReplyKind::Text)),
            ],
        ),
        timeline(
            "replied",
            campaign,
            sent,
            vec![reported(sent, state(State::Sent)), reported(sent + 2 * SECOND, reply(true, ReplyKind::Text))],
        ),
    ];
    let truth = truth(&world, &Scenario { timelines, unrelated_events: Vec::new() });

    let expected = [("messages", 6), ("delivered", 4), ("read", 3), ("clicked", 1), ("clicks", 1), ("recipients", 1)];
    for (column, value) in expected {
        assert_eq!(figure(&truth, "ctr_total", column), &json!(value), "{column}");
    }
    assert_eq!(figure(&truth, "ctr_total", "ctr"), &json!(1.0 / 4.0));
    assert_eq!(figure(&truth, "ctr_total", "click_to_read"), &json!(1.0 / 3.0));
    for (column, value) in [("sent", 6), ("failed", 1), ("replied", 1)] {
        assert_eq!(figure(&truth, "funnel_daily", column), &json!(value), "{column}");
    }
    // 30 s and 40 s: the nearest-rank median is the smaller one.
    assert_eq!(figure(&truth, "funnel_daily", "sent_to_delivered_p50"), &json!(30.0));
    assert_eq!(figure(&truth, "funnel_daily", "sent_to_delivered_p90"), &json!(40.0));
    assert_eq!(figure(&truth, "failures", "error_class"), "undeliverable");
    assert_eq!(figure(&truth, "reclicks", "messages"), &json!(1));
    // One of the three clicks is in the window: the two of the first timeline happen on the fourth day.
    assert_eq!(figure(&truth, "unattributed_clicks", "reason"), "unknown_message");
    assert_eq!(figure(&truth, "unattributed_clicks", "clicks"), &json!(1));
    let counts = json!({"account_events": 0, "clicks": 3, "messages": 3, "sends": 0, "statuses": 13});
    assert_eq!(truth["counts"], counts);
}
