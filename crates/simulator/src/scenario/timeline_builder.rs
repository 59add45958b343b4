//! Builds the timeline of each message: when it is sent, delivered, read, clicked and answered, and which webhooks
//! report that.

use super::model::{
    Click, Correction, Event, EventKind, Failure, MessageTimeline, Reply, ReplyKind, SendRecord, State, WebhookKind,
};
use crate::clock::{DAY, HOUR, MINUTE, SECOND, later};
use crate::options::SimulatedProvider;
use crate::random::SeededRng;
use crate::world::{ButtonKind, Campaign, Form, World};

/// Weight, code and title of failures, from Meta's list of error codes. The last one is not in the list.
const FAILURES: [(u64, i64, &str); 8] = [
    (30, 131_026, "Message undeliverable"),
    (25, 131_049, "This message was not delivered to maintain healthy ecosystem engagement"),
    (10, 131_050, "User has stopped marketing messages"),
    (8, 130_472, "User's number is part of an experiment"),
    (12, 131_047, "Re-engagement message"),
    (5, 131_056, "Pair rate limit hit"),
    (5, 132_015, "Template is paused"),
    (5, 999_999, "Something new"),
];

/// Builds the timelines of all messages.
pub(super) fn timelines(world: &World) -> Vec<MessageTimeline> {
    if world.campaigns.is_empty() {
        return Vec::new();
    }
    let mut registrations = Registrations::default();
    (0..world.options.messages)
        .map(|number| {
            let mut rng = SeededRng::new(world.options.seed, (2 << 32) + number);
            timeline(world, &mut rng, &mut registrations, number)
        })
        .collect()
}

/// Registration ids by event and person. All messages to a guest about one event share the id.
#[derive(Default)]
struct Registrations(std::collections::BTreeMap<(String, usize), String>);

impl Registrations {
    fn of(&mut self, rng: &mut SeededRng, event: &str, person: usize) -> String {
        self.0.entry((event.to_owned(), person)).or_insert_with(|| rng.uuid()).clone()
    }
}

fn timeline(world: &World, rng: &mut SeededRng, registrations: &mut Registrations, number: u64) -> MessageTimeline {
    let campaign_index = rng.below(world.campaigns.len() as u64) as usize;
    let campaign = world.campaign(campaign_index);
    let resolution = status_resolution(campaign.provider);
    let sent_at = sending_time(world, rng) / resolution * resolution;
    let person = (campaign.form != Form::Group).then(|| *rng.pick(&campaign.audience));
    let mut timeline = MessageTimeline {
        id: message_id(rng, campaign.provider, number),
        campaign: campaign_index,
        person,
        sent_at,
        record: None,
        events: Vec::new(),
        free_of_charge: rng.chance(15),
    };
    let mut builder = TimelineBuilder { world, rng, campaign, timeline: &mut timeline };
    builder.run();
    if campaign.tracked && rng.chance(94) {
        // There are fewer tickets than messages, because an alert goes to several people.
        let tickets = world.options.messages / 6 + 1;
        timeline.record = Some(send_record(rng, registrations, campaign, &timeline, tickets));
    }
    timeline
}

/// Precision of a provider's status times, in milliseconds.
const fn status_resolution(provider: SimulatedProvider) -> i64 {
    match provider {
        SimulatedProvider::Meta | SimulatedProvider::Woosh | SimulatedProvider::Tracker => SECOND,
        SimulatedProvider::Interakt | SimulatedProvider::Wasender => 1,
    }
}

/// Precision of a provider's click and reply times, in milliseconds.
const fn click_resolution(provider: SimulatedProvider) -> i64 {
    match provider {
        SimulatedProvider::Interakt => 1,
        _ => SECOND,
    }
}

fn sending_time(world: &World, rng: &mut SeededRng) -> i64 {
    let days = i64::from(world.options.days.max(1));
    let day = later(world.options.start, rng.below(days as u64) as i64);
    let midnight = world.clock.start_of(day);
    match rng.below(100) {
        // Within seconds of local midnight.
        0..=4 => midnight + rng.between(0, 2) * SECOND,
        5..=9 => world.clock.start_of(later(day, 1)) - rng.between(1, 3) * SECOND,
        // Within seconds of midnight UTC, inside the local day.
        10..=13 => {
            let next = (midnight + DAY - 1) / DAY * DAY;
            (next + rng.between(-2, 2) * SECOND).max(midnight)
        }
        // In the daytime.
        14..=89 => world.clock.instant(day, rng.between(8 * 3600, 21 * 3600)) + rng.between(0, 999),
        _ => world.clock.instant(day, rng.between(0, 86_399)) + rng.between(0, 999),
    }
}

fn message_id(rng: &mut SeededRng, provider: SimulatedProvider, number: u64) -> String {
    match provider {
        SimulatedProvider::Interakt => rng.uuid(),
        SimulatedProvider::Wasender => format!("3EB0{number:06X}{}", rng.hex(12).to_uppercase()),
        _ => format!("wamid.HBgM{number:08X}{}", rng.hex(18).to_uppercase()),
    }
}

fn send_record(
    rng: &mut SeededRng,
    registrations: &mut Registrations,
    campaign: &Campaign,
    timeline: &MessageTimeline,
    tickets: u64,
) -> SendRecord {
    // A call without `sent_at` is dated by its receipt. It must come after a reported `sent` status: otherwise the time
    // of sending would depend on which of two calls is kept.
    let sent_is_reported = timeline.events.iter().any(|event| {
        matches!(event.kind, EventKind::State { state: State::Sent, .. })
            && event.at == timeline.sent_at
            && !event.reported_by.is_empty()
    });
    let guest = timeline.person.filter(|_| campaign.event.is_some());
    let called_at = timeline.sent_at + rng.skewed(300, 20 * SECOND);
    let names_time = !sent_is_reported || rng.chance(50);
    let wait = if names_time { rng.skewed(SECOND, 2 * DAY) } else { DAY + rng.between(0, DAY) };
    SendRecord {
        called_at,
        repeated_at: rng.chance(5).then_some(called_at + wait),
        names_time,
        bare_at: rng.chance(8).then(|| timeline.sent_at + rng.skewed(100, DAY)),
        corrections: corrections(rng, campaign, called_at, tickets),
        ticket: campaign.ticketed.then(|| format!("EMG-{:05}", rng.below(tickets))),
        registration: campaign
            .event
            .as_deref()
            .zip(timeline.person)
            .map(|(event, person)| registrations.of(rng, event, person)),
        guest: guest.map(|person| format!("guest-{person}")),
    }
}

/// Corrections of a send: mostly none, sometimes two, of which the later one may arrive first.
fn corrections(rng: &mut SeededRng, campaign: &Campaign, called_at: i64, tickets: u64) -> Vec<Correction> {
    let count = match rng.below(100) {
        0..=89 => 0,
        90..=95 => 1,
        _ => 2,
    };
    let correction = |rng: &mut SeededRng| {
        let updated_at = called_at + rng.skewed(SECOND, 12 * HOUR);
        Correction {
            called_at: updated_at + rng.skewed(100, 12 * HOUR),
            updated_at,
            ticket: (campaign.ticketed && rng.chance(60)).then(|| format!("EMG-{:05}", rng.below(tickets))),
            template: rng.chance(50).then(|| format!("{}_{}", campaign.template, rng.below(2))),
            campaign: rng.chance(50).then(|| format!("{}-{}", campaign.id, rng.below(2))),
        }
    };
    (0..count).map(|_| correction(rng)).collect()
}

/// Builds the timeline of one message.
struct TimelineBuilder<'a> {
    world: &'a World,
    rng: &'a mut SeededRng,
    campaign: &'a Campaign,
    timeline: &'a mut MessageTimeline,
}

impl TimelineBuilder<'_> {
    fn run(&mut self) {
        if self.campaign.form == Form::Group {
            self.run_group();
            return;
        }
        let fails = self.rng.chance(9);
        let sent = self.timeline.sent_at;
        let delivered = self.delivery(sent);
        if fails {
            self.fail(sent, delivered);
            return;
        }
        let skips_sent = self.rng.chance(4);
        if skips_sent {
            self.lost_state(State::Sent, sent);
        } else {
            self.state(State::Sent, sent, true);
        }
        if self.campaign.provider == SimulatedProvider::Wasender && self.rng.chance(30) {
            // The server's acknowledgement follows `message.sent`.
            let at = sent + self.rng.between(50, 4_000);
            self.add_event(
                at,
                EventKind::State { state: State::Sent, priced: false },
                vec![WebhookKind::WasenderUpdate],
            );
        }
        if self.rng.chance(6) {
            return self.price();
        }
        if self.rng.chance(4) {
            self.arrive_late();
            return self.price();
        }
        let is_reported = !self.rng.chance(12);
        if is_reported {
            self.state(State::Delivered, delivered, true);
        } else {
            self.lost_state(State::Delivered, delivered);
        }
        if is_reported && self.rng.chance(5) {
            let again = delivered + self.rng.skewed(SECOND, 3 * DAY);
            self.state(State::Delivered, again, true);
        }
        let receipts = self.person().is_some_and(|person| person.receipts);
        let reads = self.rng.chance(72);
        let read = delivered + self.rng.skewed(SECOND, 2 * DAY);
        if !skips_sent && self.rng.chance(2) {
            self.read_at_horizon();
            return self.price();
        }
        if reads {
            self.state(State::Read, read, receipts);
        }
        let hears = self.campaign.form == Form::Voice
            && matches!(self.campaign.provider, SimulatedProvider::Meta | SimulatedProvider::Wasender);
        if reads && hears && self.rng.chance(60) {
            let played = read + self.rng.skewed(SECOND, HOUR);
            // People without read receipts still send `played`.
            self.state(State::Played, played, true);
        }
        if reads {
            self.add_clicks(read);
            self.answer(read);
        }
        let known = self.timeline.events.iter().any(|event| !event.reported_by.is_empty());
        if known && self.campaign.provider == SimulatedProvider::Meta && self.rng.chance(1) {
            let at = read + self.rng.skewed(SECOND, HOUR);
            let status = *self.rng.pick(&["pending", "captured", "failed"]);
            let at = round_up(at, SECOND);
            self.add_event(at, EventKind::Payment(status), vec![WebhookKind::Meta]);
        }
        if self.campaign.provider == SimulatedProvider::Meta && self.rng.chance(1) {
            let at = read + self.rng.skewed(HOUR, 2 * DAY);
            self.state(State::Deleted, at, true);
        }
        self.price();
    }

    /// Adds a delivery days or weeks after the send: Meta keeps undelivered messages up to 30 days. The person reads it
    /// soon after, or weeks later, and may click and answer.
    fn arrive_late(&mut self) {
        let delivered = self.timeline.sent_at + self.rng.between(5 * DAY, 30 * DAY);
        self.state(State::Delivered, delivered, true);
        let receipts = self.person().is_some_and(|person| person.receipts);
        let read = delivered + if self.rng.chance(20) { 20 * DAY } else { self.rng.skewed(SECOND, 2 * DAY) };
        self.state(State::Read, read, receipts);
        self.add_clicks(read);
        self.answer(read);
    }

    /// Adds a read around the end of the status horizon of 168 hours.
    fn read_at_horizon(&mut self) {
        let at = self.timeline.sent_at + 7 * DAY;
        let after = if self.rng.chance(30) { 0 } else { self.rng.skewed(SECOND, 2 * HOUR) };
        self.state(State::Read, at + after, true);
    }

    fn person(&self) -> Option<&crate::world::Person> {
        self.timeline.person.map(|index| self.world.person(index))
    }

    fn delivery(&mut self, sent: i64) -> i64 {
        let wait =
            if self.rng.chance(5) { self.rng.skewed(HOUR, 3 * DAY) } else { self.rng.skewed(SECOND, 10 * MINUTE) };
        sent + wait
    }

    fn fail(&mut self, sent: i64, delivered: i64) {
        let failure = self.failure();
        let failed = sent + self.rng.skewed(SECOND, 30 * MINUTE);
        match self.rng.below(10) {
            0..=6 => {
                self.state(State::Sent, sent, true);
                // A message may expire undelivered after weeks.
                let failed = if self.rng.chance(15) { sent + self.rng.between(5 * DAY, 30 * DAY) } else { failed };
                self.state(State::Failed(failure), failed, true);
            }
            7..=8 => self.state(State::Failed(failure), failed, true),
            // One device received it, another failed.
            _ => {
                self.state(State::Sent, sent, true);
                self.state(State::Delivered, delivered, true);
                self.state(State::Failed(failure), delivered + 5 * SECOND, true);
            }
        }
        if self.campaign.provider == SimulatedProvider::Wasender {
            // WASender sends one `message.sent` webhook: success or failure, never both.
            self.timeline.events.retain(|event| {
                !(event.reported_by.contains(&WebhookKind::WasenderSent)
                    && matches!(event.kind, EventKind::State { state: State::Sent, .. }))
            });
        }
    }

    fn failure(&mut self) -> Failure {
        if self.campaign.provider == SimulatedProvider::Wasender {
            return Failure { code: None, title: "" };
        }
        let total = FAILURES.iter().map(|(weight, ..)| weight).sum();
        let mut roll = self.rng.below(total);
        for (weight, code, title) in FAILURES {
            match roll.checked_sub(weight) {
                Some(rest) => roll = rest,
                None => return Failure { code: Some(code), title },
            }
        }
        Failure { code: None, title: "" }
    }

    /// Adds a state; `reported` says whether webhooks report it.
    fn state(&mut self, state: State, at: i64, reported: bool) {
        let mut reported_by = if reported { self.status_webhooks(state) } else { Vec::new() };
        if self.campaign.provider == SimulatedProvider::Meta && !reported_by.is_empty() && self.is_forwarded(30) {
            // The application forwards what Meta reported, with less detail.
            reported_by.push(WebhookKind::Tracker);
        }
        self.add_event(at, EventKind::State { state, priced: false }, reported_by);
    }

    /// Adds a state whose webhook was lost. In some cases the application forwards the status.
    fn lost_state(&mut self, state: State, at: i64) {
        let reported_by = if self.is_forwarded(40) { vec![WebhookKind::Tracker] } else { Vec::new() };
        self.add_event(at, EventKind::State { state, priced: false }, reported_by);
    }

    /// Randomly decides whether the application forwards a status, with a chance in percent. The tracker identifies
    /// people only by phone number.
    fn is_forwarded(&mut self, percent: u64) -> bool {
        let nameable = self.person().is_some_and(|person| person.phone.is_some() && person.user_id.is_none());
        self.campaign.tracked && nameable && self.rng.chance(percent)
    }

    fn add_event(&mut self, at: i64, kind: EventKind, reported_by: Vec<WebhookKind>) {
        let person = self.timeline.person;
        self.add_event_for(person, at, kind, reported_by);
    }

    fn add_event_for(&mut self, person: Option<usize>, at: i64, kind: EventKind, reported_by: Vec<WebhookKind>) {
        let resolution = match kind {
            EventKind::Click(_) | EventKind::Reply(_) => click_resolution(self.campaign.provider),
            EventKind::State { .. } | EventKind::Payment(_) => status_resolution(self.campaign.provider),
        };
        self.timeline.events.push(Event { at: round_up(at, resolution), kind, person, reported_by });
    }

    fn status_webhooks(&mut self, state: State) -> Vec<WebhookKind> {
        let has_phone = self.person().is_some_and(|person| person.phone.is_some());
        let has_user_id = self.person().is_some_and(|person| person.user_id.is_some());
        match self.campaign.provider {
            SimulatedProvider::Meta if self.campaign.relayed => self.relay_webhooks(),
            SimulatedProvider::Meta => vec![WebhookKind::Meta],
            // Woosh's own formats contain phone numbers only.
            SimulatedProvider::Woosh if has_user_id || !has_phone => vec![WebhookKind::WooshRelay],
            SimulatedProvider::Woosh if self.rng.chance(25) && !matches!(state, State::Failed(_)) => {
                vec![WebhookKind::WooshFlat]
            }
            SimulatedProvider::Woosh => vec![WebhookKind::WooshStatus],
            SimulatedProvider::Interakt => vec![WebhookKind::Interakt],
            SimulatedProvider::Wasender => match state {
                State::Sent | State::Failed(_) => vec![WebhookKind::WasenderSent],
                _ => vec![WebhookKind::WasenderUpdate],
            },
            SimulatedProvider::Tracker => vec![WebhookKind::Tracker],
        }
    }

    /// Webhooks of a relayed campaign. Woosh does not relay the first status of a message, so that Meta counts as its
    /// provider, and misses some later ones.
    fn relay_webhooks(&mut self) -> Vec<WebhookKind> {
        let first = !self.timeline.events.iter().any(|event| event.reported_by == [WebhookKind::Meta]);
        if first || self.rng.chance(30) {
            vec![WebhookKind::Meta]
        } else {
            vec![WebhookKind::Meta, WebhookKind::WooshRelay]
        }
    }

    fn interaction_webhooks(&mut self) -> Vec<WebhookKind> {
        match self.campaign.provider {
            SimulatedProvider::Meta if self.campaign.relayed => self.relay_webhooks(),
            SimulatedProvider::Meta => vec![WebhookKind::Meta],
            SimulatedProvider::Woosh => vec![WebhookKind::WooshRelay],
            SimulatedProvider::Interakt => vec![WebhookKind::Interakt],
            SimulatedProvider::Wasender => {
                vec![WebhookKind::WasenderUpsert, WebhookKind::WasenderReceived, WebhookKind::WasenderPersonal]
            }
            SimulatedProvider::Tracker => Vec::new(),
        }
    }

    fn add_clicks(&mut self, read: i64) {
        let buttons = self.campaign.buttons.len() as u64;
        if buttons == 0 || !self.rng.chance(self.campaign.click_percent) {
            return;
        }
        let mut button = self.rng.below(buttons) as usize;
        let mut at = self.first_click(read);
        self.click(self.timeline.person, button, at);
        while self.rng.chance(28) {
            at += self.rng.skewed(SECOND, 6 * HOUR);
            if self.rng.chance(60) {
                button = self.rng.below(buttons) as usize;
            }
            self.click(self.timeline.person, button, at);
        }
    }

    fn first_click(&mut self, read: i64) -> i64 {
        let window_end = self.timeline.sent_at + i64::from(self.world.options.attribution_hours) * HOUR;
        match self.rng.below(100) {
            // At the last instant of the attribution window, and one second after it.
            0..=1 if window_end > read => window_end,
            2..=3 if window_end > read => window_end + SECOND,
            4..=8 => read + self.rng.skewed(HOUR, 6 * DAY),
            _ => read + self.rng.skewed(SECOND, 30 * MINUTE),
        }
    }

    fn click(&mut self, person: Option<usize>, button: usize, mut at: i64) {
        // If two members of a group clicked in the same second, the order of the clicks would depend on webhook ids,
        // which the truth does not use. The second click is therefore moved to a later second.
        let resolution = click_resolution(self.campaign.provider);
        while self
            .timeline
            .events
            .iter()
            .any(|other| matches!(other.kind, EventKind::Click(_)) && other.at == round_up(at, resolution))
        {
            at += SECOND;
        }
        let Some(kind) = self.campaign.buttons.get(button).map(|button| button.kind) else { return };
        let mut reported_by = self.interaction_webhooks();
        if reported_by.is_empty() {
            // No webhook reports clicks of this provider.
        } else if self.campaign.provider == SimulatedProvider::Interakt && kind == ButtonKind::Flow {
            reported_by.push(WebhookKind::InteraktFlow);
        } else if self.campaign.provider == SimulatedProvider::Interakt
            && kind == ButtonKind::QuickReply
            && self.rng.chance(60)
        {
            reported_by.push(WebhookKind::InteraktEcho);
        }
        let anonymous = self.campaign.provider == SimulatedProvider::Meta && kind == ButtonKind::Link;
        // Interakt's clicks always contain the id of the clicked message.
        let always = self.campaign.provider == SimulatedProvider::Interakt;
        let names_message = !anonymous && (always || !self.rng.chance(4));
        if !names_message || !self.is_surely_attributed(at) {
            // Unattributed clicks are counted per provider, so only one provider reports them.
            reported_by.retain(|webhook| {
                *webhook != WebhookKind::WooshRelay || self.campaign.provider == SimulatedProvider::Woosh
            });
        }
        let id = self.interaction_id();
        self.add_event_for(person, at, EventKind::Click(Click { button, id, names_message }), reported_by);
    }

    /// Whether a click at this time is certainly attributed: a status was reported, and the attribution window is still
    /// open.
    fn is_surely_attributed(&self, at: i64) -> bool {
        let is_status = |event: &Event| matches!(event.kind, EventKind::State { .. });
        let known = self.timeline.events.iter().any(|event| is_status(event) && !event.reported_by.is_empty());
        known && at <= self.timeline.sent_at + i64::from(self.world.options.attribution_hours) * HOUR
    }

    fn interaction_id(&mut self) -> String {
        match self.campaign.provider {
            SimulatedProvider::Interakt => self.rng.uuid(),
            SimulatedProvider::Wasender => format!("3A{}", self.rng.hex(18).to_uppercase()),
            _ => format!("wamid.HBgI{}", self.rng.hex(26).to_uppercase()),
        }
    }

    fn answer(&mut self, read: i64) {
        if !self.rng.chance(10) {
            return;
        }
        let at = read + self.rng.skewed(SECOND, 4 * DAY);
        let kind = match self.rng.below(10) {
            0..=5 => ReplyKind::Text,
            6..=7 => ReplyKind::Image,
            // Interakt documents no webhook for reactions.
            _ if self.campaign.provider == SimulatedProvider::Interakt => ReplyKind::Image,
            _ => ReplyKind::Reaction,
        };
        // A reaction always contains the id of the message.
        let names_message = kind == ReplyKind::Reaction || !self.rng.chance(30);
        let reported_by = self.interaction_webhooks();
        let id = self.interaction_id();
        self.add_event(at, EventKind::Reply(Reply { id, kind, names_message }), reported_by);
    }

    /// Builds a message to a group: sent once, then delivered, read and clicked per member.
    fn run_group(&mut self) {
        let sent = self.timeline.sent_at;
        self.add_event(sent, EventKind::State { state: State::Sent, priced: false }, vec![WebhookKind::Meta]);
        let first = self.rng.below(self.campaign.audience.len() as u64) as usize;
        let count = 3 + self.rng.below(4) as usize;
        let members: Vec<usize> = self.campaign.audience.iter().cycle().skip(first).take(count).copied().collect();
        for member in members {
            let delivered = self.delivery(sent);
            self.add_event_for(
                Some(member),
                delivered,
                EventKind::State { state: State::Delivered, priced: false },
                vec![WebhookKind::Meta],
            );
            if !self.rng.chance(60) {
                continue;
            }
            let read = delivered + self.rng.skewed(SECOND, DAY);
            let reported_by = if self.world.person(member).receipts { vec![WebhookKind::Meta] } else { Vec::new() };
            self.add_event_for(Some(member), read, EventKind::State { state: State::Read, priced: false }, reported_by);
            if self.rng.chance(self.campaign.click_percent) {
                let button = self.rng.below(self.campaign.buttons.len() as u64) as usize;
                let at = read + self.rng.skewed(SECOND, HOUR);
                self.click(Some(member), button, at);
            }
        }
        self.price();
    }

    /// Chooses the reported statuses that carry the price, where the provider reports prices.
    fn price(&mut self) {
        let tells = |webhook: &WebhookKind| {
            matches!(webhook, WebhookKind::Meta | WebhookKind::WooshRelay | WebhookKind::WooshStatus)
        };
        let priceable = |event: &Event| {
            let state =
                matches!(event.kind, EventKind::State { state: State::Sent | State::Delivered | State::Read, .. });
            state && event.reported_by.iter().any(tells)
        };
        let count = self.timeline.events.iter().filter(|event| priceable(event)).count();
        // Either `sent` and one other status, or one status alone.
        let both = self.rng.chance(50);
        let chosen = self.rng.below(count as u64) as usize;
        let events = self.timeline.events.iter_mut().filter(|event| priceable(event));
        for (index, event) in events.enumerate() {
            if let EventKind::State { priced, .. } = &mut event.kind {
                *priced = index == chosen || (both && index == 0);
            }
        }
    }
}

/// `at` rounded up to a multiple of `resolution`; both in milliseconds.
fn round_up(at: i64, resolution: i64) -> i64 {
    (at + resolution - 1).div_euclid(resolution) * resolution
}
