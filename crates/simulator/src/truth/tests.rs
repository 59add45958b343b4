//! The truth of a handful of lives, reckoned by hand.

use serde_json::{Value, json};

use super::truth;
use crate::clock::{HOUR, LocalClock, SECOND};
use crate::life::{Click, Failure, Happening, Life, Reply, ReplyKind, State, Story, Teller, What};
use crate::options::{SimulatedProvider, SimulationOptions};
use crate::world::{ButtonKind, World};

/// A world of Meta alone, three days long, and the index of a campaign with reply buttons in it.
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

fn told(at: i64, what: What) -> Happening {
    Happening { at, what, person: Some(0), told: vec![Teller::Meta] }
}

fn untold(at: i64, what: What) -> Happening {
    Happening { told: Vec::new(), ..told(at, what) }
}

fn state(state: State) -> What {
    What::State { state, priced: false }
}

fn click(id: &str) -> What {
    What::Click(Click { button: 0, id: id.to_owned(), names_message: true })
}

fn life(id: &str, campaign: usize, sent_at: i64, happenings: Vec<Happening>) -> Life {
    Life { id: id.to_owned(), campaign, person: Some(0), sent_at, record: None, happenings, free: false }
}

/// Column of the only row of a query.
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
    let reply = |names_message, kind| What::Reply(Reply { id: "r".to_owned(), kind, names_message });
    let lives = vec![
        // Delivery and reading unknown, but clicked at the last instant that counts, and once more behind it.
        life(
            "clicked",
            campaign,
            sent,
            vec![
                told(sent, state(State::Sent)),
                untold(sent + SECOND, state(State::Delivered)),
                untold(sent + 2 * SECOND, state(State::Read)),
                told(window_end, click("a")),
                told(window_end + SECOND, click("b")),
            ],
        ),
        // Delivered to two devices, the later told first, and read too late by a second.
        life(
            "delivered",
            campaign,
            sent,
            vec![
                told(sent, state(State::Sent)),
                told(sent + 90 * SECOND, state(State::Delivered)),
                told(sent + 30 * SECOND, state(State::Delivered)),
                told(horizon + SECOND, state(State::Read)),
            ],
        ),
        // One device failed, another did not; read at the last instant that counts.
        life(
            "both",
            campaign,
            sent,
            vec![
                told(sent, state(State::Sent)),
                told(sent + 30 * SECOND, state(failure)),
                told(sent + 40 * SECOND, state(State::Delivered)),
                told(horizon, state(State::Read)),
            ],
        ),
        life("failed", campaign, sent, vec![told(sent, state(failure))]),
        // Clicked and answered, but nothing else was ever told of it: nobody knows the message.
        life(
            "unknown",
            campaign,
            sent,
            vec![
                untold(sent, state(State::Sent)),
                told(sent + SECOND, click("c")),
                told(sent + SECOND, What::Payment("captured")),
            ],
        ),
        // A reaction and an answer that quotes nothing are no replies.
        life(
            "sent",
            campaign,
            sent,
            vec![
                told(sent, state(State::Sent)),
                told(sent + SECOND, reply(true, ReplyKind::Reaction)),
                told(sent + 2 * SECOND, reply(false, ReplyKind::Text)),
            ],
        ),
        life(
            "replied",
            campaign,
            sent,
            vec![told(sent, state(State::Sent)), told(sent + 2 * SECOND, reply(true, ReplyKind::Text))],
        ),
    ];
    let truth = truth(&world, &Story { lives, strays: Vec::new() });

    let expected = [("messages", 6), ("delivered", 3), ("read", 2), ("clicked", 1), ("clicks", 1), ("recipients", 1)];
    for (column, value) in expected {
        assert_eq!(figure(&truth, "ctr_total", column), &json!(value), "{column}");
    }
    assert_eq!(figure(&truth, "ctr_total", "ctr"), &json!(1.0 / 3.0));
    assert_eq!(figure(&truth, "ctr_total", "click_to_read"), &json!(0.5));
    for (column, value) in [("sent", 6), ("failed", 1), ("replied", 1)] {
        assert_eq!(figure(&truth, "funnel_daily", column), &json!(value), "{column}");
    }
    // 30 s and 40 s: by nearest rank the median is the smaller.
    assert_eq!(figure(&truth, "funnel_daily", "sent_to_delivered_p50"), &json!(30.0));
    assert_eq!(figure(&truth, "funnel_daily", "sent_to_delivered_p90"), &json!(40.0));
    assert_eq!(figure(&truth, "failures", "error_class"), "undeliverable");
    assert_eq!(figure(&truth, "reclicks", "messages"), &json!(1));
    // Of the three clicks, one is of the window: the two of the first life come on the fourth day.
    assert_eq!(figure(&truth, "unattributed_clicks", "reason"), "no_message_in_window");
    assert_eq!(figure(&truth, "unattributed_clicks", "clicks"), &json!(1));
    let counts = json!({"account_events": 0, "clicks": 3, "messages": 3, "sends": 0, "statuses": 13});
    assert_eq!(truth["counts"], counts);
}
