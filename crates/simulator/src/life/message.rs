//! The lives of the messages: when each is sent, whether it arrives, is read, used and answered, and who tells of it.

use super::{Click, Failure, Happening, Life, Reply, ReplyKind, SendRecord, State, Teller, What};
use crate::clock::{DAY, HOUR, MINUTE, SECOND, later};
use crate::options::SimulatedProvider;
use crate::random::Dice;
use crate::world::{ButtonKind, Campaign, Form, World};

/// Codes of failed messages, with how often each is seen. Meta's list of error codes.
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

/// Lives out every message.
pub(super) fn lives(world: &World) -> Vec<Life> {
    if world.campaigns.is_empty() {
        return Vec::new();
    }
    let mut registrations = Registrations::default();
    (0..world.options.messages)
        .map(|number| {
            let mut dice = Dice::new(world.options.seed, (2 << 32) + number);
            life(world, &mut dice, &mut registrations, number)
        })
        .collect()
}

/// A guest's registration for an event stays the same over all messages about it.
#[derive(Default)]
struct Registrations(std::collections::BTreeMap<(String, usize), String>);

impl Registrations {
    fn of(&mut self, dice: &mut Dice, event: &str, person: usize) -> String {
        self.0.entry((event.to_owned(), person)).or_insert_with(|| dice.uuid()).clone()
    }
}

fn life(world: &World, dice: &mut Dice, registrations: &mut Registrations, number: u64) -> Life {
    let campaign_index = dice.below(world.campaigns.len() as u64) as usize;
    let campaign = world.campaign(campaign_index);
    let resolution = status_resolution(campaign.provider);
    let sent_at = sending_time(world, dice) / resolution * resolution;
    let person = (campaign.form != Form::Group).then(|| *dice.pick(&campaign.audience));
    let mut life = Life {
        id: message_id(dice, campaign.provider, number),
        campaign: campaign_index,
        person,
        sent_at,
        record: None,
        happenings: Vec::new(),
        free: dice.chance(15),
    };
    let mut course = Course { world, dice, campaign, life: &mut life };
    course.run();
    if campaign.tracked && dice.chance(94) {
        // Fewer tickets than messages: an alert goes to several people.
        let tickets = world.options.messages / 6 + 1;
        life.record = Some(send_record(dice, registrations, campaign, &life, tickets));
    }
    life
}

/// Statuses of these providers are told to this many milliseconds.
const fn status_resolution(provider: SimulatedProvider) -> i64 {
    match provider {
        SimulatedProvider::Meta | SimulatedProvider::Woosh | SimulatedProvider::Tracker => SECOND,
        SimulatedProvider::Interakt | SimulatedProvider::Wasender => 1,
    }
}

/// Clicks and replies of these providers are told to this many milliseconds.
const fn click_resolution(provider: SimulatedProvider) -> i64 {
    match provider {
        SimulatedProvider::Interakt => 1,
        _ => SECOND,
    }
}

fn sending_time(world: &World, dice: &mut Dice) -> i64 {
    let days = i64::from(world.options.days.max(1));
    let day = later(world.options.start, dice.below(days as u64) as i64);
    let midnight = world.clock.start_of(day);
    match dice.below(100) {
        // Around local midnight, to the second.
        0..=4 => midnight + dice.between(0, 2) * SECOND,
        5..=9 => world.clock.start_of(later(day, 1)) - dice.between(1, 3) * SECOND,
        // Around midnight UTC, inside the local day.
        10..=13 => {
            let next = (midnight + DAY - 1) / DAY * DAY;
            (next + dice.between(-2, 2) * SECOND).max(midnight)
        }
        // By day.
        14..=89 => world.clock.instant(day, dice.between(8 * 3600, 21 * 3600)) + dice.between(0, 999),
        _ => world.clock.instant(day, dice.between(0, 86_399)) + dice.between(0, 999),
    }
}

fn message_id(dice: &mut Dice, provider: SimulatedProvider, number: u64) -> String {
    match provider {
        SimulatedProvider::Interakt => dice.uuid(),
        SimulatedProvider::Wasender => format!("3EB0{number:06X}{}", dice.hex(12).to_uppercase()),
        _ => format!("wamid.HBgM{number:08X}{}", dice.hex(18).to_uppercase()),
    }
}

fn send_record(
    dice: &mut Dice,
    registrations: &mut Registrations,
    campaign: &Campaign,
    life: &Life,
    tickets: u64,
) -> SendRecord {
    // Who does not say when must call after the provider's own `sent` at the earliest, and there must be such a one:
    // otherwise the time of sending would hang on which of two calls is kept.
    let sent_is_told = life.happenings.iter().any(|happening| {
        matches!(happening.what, What::State { state: State::Sent, .. })
            && happening.at == life.sent_at
            && !happening.told.is_empty()
    });
    let guest = life.person.filter(|_| campaign.event.is_some());
    let called_at = life.sent_at + dice.skewed(300, 20 * SECOND);
    let says_when = !sent_is_told || dice.chance(50);
    let wait = if says_when { dice.skewed(SECOND, 2 * DAY) } else { DAY + dice.between(0, DAY) };
    SendRecord {
        called_at,
        repeated_at: dice.chance(5).then_some(called_at + wait),
        says_when,
        ticket: campaign.ticketed.then(|| format!("EMG-{:05}", dice.below(tickets))),
        registration: campaign
            .event
            .as_deref()
            .zip(life.person)
            .map(|(event, person)| registrations.of(dice, event, person)),
        guest: guest.map(|person| format!("guest-{person}")),
    }
}

/// One message on its way.
struct Course<'a> {
    world: &'a World,
    dice: &'a mut Dice,
    campaign: &'a Campaign,
    life: &'a mut Life,
}

impl Course<'_> {
    fn run(&mut self) {
        if self.campaign.form == Form::Group {
            self.run_group();
            return;
        }
        let fails = self.dice.chance(9);
        let sent = self.life.sent_at;
        let delivered = self.delivery(sent);
        if fails {
            self.fail(sent, delivered);
            return;
        }
        let skips_sent = self.dice.chance(4);
        if skips_sent {
            self.lost_state(State::Sent, sent);
        } else {
            self.state(State::Sent, sent, true);
        }
        if self.campaign.provider == SimulatedProvider::Wasender && self.dice.chance(30) {
            // The server's acknowledgement, after `message.sent`.
            let at = sent + self.dice.between(50, 4_000);
            self.happen(at, What::State { state: State::Sent, priced: false }, vec![Teller::WasenderUpdate]);
        }
        if self.dice.chance(6) {
            return self.price();
        }
        let told = !self.dice.chance(12);
        if told {
            self.state(State::Delivered, delivered, true);
        } else {
            self.lost_state(State::Delivered, delivered);
        }
        if told && self.dice.chance(5) {
            let again = delivered + self.dice.skewed(SECOND, 3 * DAY);
            self.state(State::Delivered, again, true);
        }
        let receipts = self.person().is_some_and(|person| person.receipts);
        let reads = self.dice.chance(72);
        let read = delivered + self.dice.skewed(SECOND, 2 * DAY);
        if !skips_sent && self.dice.chance(2) {
            self.read_too_late();
            return self.price();
        }
        if reads {
            self.state(State::Read, read, receipts);
        }
        let hears = self.campaign.form == Form::Voice
            && matches!(self.campaign.provider, SimulatedProvider::Meta | SimulatedProvider::Wasender);
        if reads && hears && self.dice.chance(60) {
            let played = read + self.dice.skewed(SECOND, HOUR);
            // Whoever hides that they read shows all the same that they listened.
            self.state(State::Played, played, true);
        }
        if reads {
            self.use_buttons(read);
            self.answer(read);
        }
        let known = self.life.happenings.iter().any(|happening| !happening.told.is_empty());
        if known && self.campaign.provider == SimulatedProvider::Meta && self.dice.chance(1) {
            let at = read + self.dice.skewed(SECOND, HOUR);
            let status = *self.dice.pick(&["pending", "captured", "failed"]);
            let at = round_up(at, SECOND);
            self.happen(at, What::Payment(status), vec![Teller::Meta]);
        }
        if self.campaign.provider == SimulatedProvider::Meta && self.dice.chance(1) {
            let at = read + self.dice.skewed(HOUR, 2 * DAY);
            self.state(State::Deleted, at, true);
        }
        self.price();
    }

    /// A week later, around the instant from which on nobody looks any more.
    fn read_too_late(&mut self) {
        let at = self.life.sent_at + 7 * DAY;
        let after = if self.dice.chance(30) { 0 } else { self.dice.skewed(SECOND, 2 * HOUR) };
        self.state(State::Read, at + after, true);
    }

    fn person(&self) -> Option<&crate::world::Person> {
        self.life.person.map(|index| self.world.person(index))
    }

    fn delivery(&mut self, sent: i64) -> i64 {
        let wait =
            if self.dice.chance(5) { self.dice.skewed(HOUR, 3 * DAY) } else { self.dice.skewed(SECOND, 10 * MINUTE) };
        sent + wait
    }

    fn fail(&mut self, sent: i64, delivered: i64) {
        let failure = self.failure();
        let failed = sent + self.dice.skewed(SECOND, 30 * MINUTE);
        match self.dice.below(10) {
            0..=6 => {
                self.state(State::Sent, sent, true);
                self.state(State::Failed(failure), failed, true);
            }
            7..=8 => self.state(State::Failed(failure), failed, true),
            // One device got it, another did not.
            _ => {
                self.state(State::Sent, sent, true);
                self.state(State::Delivered, delivered, true);
                self.state(State::Failed(failure), delivered + 5 * SECOND, true);
            }
        }
        if self.campaign.provider == SimulatedProvider::Wasender {
            // `message.sent` speaks of success or of failure, never of both.
            self.life.happenings.retain(|happening| {
                !(happening.told.contains(&Teller::WasenderSent)
                    && matches!(happening.what, What::State { state: State::Sent, .. }))
            });
        }
    }

    fn failure(&mut self) -> Failure {
        if self.campaign.provider == SimulatedProvider::Wasender {
            return Failure { code: None, title: "" };
        }
        let total = FAILURES.iter().map(|(weight, ..)| weight).sum();
        let mut roll = self.dice.below(total);
        for (weight, code, title) in FAILURES {
            match roll.checked_sub(weight) {
                Some(rest) => roll = rest,
                None => return Failure { code: Some(code), title },
            }
        }
        Failure { code: None, title: "" }
    }

    /// A state is reached; `told` says whether anybody learns of it.
    fn state(&mut self, state: State, at: i64, told: bool) {
        let told = if told { self.status_tellers(state) } else { Vec::new() };
        self.happen(at, What::State { state, priced: false }, told);
    }

    /// A state of which the provider's webhook got lost. Sometimes the application knows and forwards it.
    fn lost_state(&mut self, state: State, at: i64) {
        // The tracker takes numbers only.
        let nameable = self.person().is_some_and(|person| person.phone.is_some() && person.user_id.is_none());
        let forwards = self.campaign.tracked && nameable && self.dice.chance(40);
        let told = if forwards { vec![Teller::Tracker] } else { Vec::new() };
        self.happen(at, What::State { state, priced: false }, told);
    }

    fn happen(&mut self, at: i64, what: What, told: Vec<Teller>) {
        let person = self.life.person;
        self.happen_to(person, at, what, told);
    }

    fn happen_to(&mut self, person: Option<usize>, at: i64, what: What, told: Vec<Teller>) {
        let resolution = match what {
            What::Click(_) | What::Reply(_) => click_resolution(self.campaign.provider),
            What::State { .. } | What::Payment(_) => status_resolution(self.campaign.provider),
        };
        self.life.happenings.push(Happening { at: round_up(at, resolution), what, person, told });
    }

    fn status_tellers(&mut self, state: State) -> Vec<Teller> {
        let has_phone = self.person().is_some_and(|person| person.phone.is_some());
        let has_user_id = self.person().is_some_and(|person| person.user_id.is_some());
        match self.campaign.provider {
            SimulatedProvider::Meta if self.campaign.relayed => self.relay_tellers(),
            SimulatedProvider::Meta => vec![Teller::Meta],
            // Woosh's own shapes know numbers only.
            SimulatedProvider::Woosh if has_user_id || !has_phone => vec![Teller::WooshRelay],
            SimulatedProvider::Woosh if self.dice.chance(25) && !matches!(state, State::Failed(_)) => {
                vec![Teller::WooshFlat]
            }
            SimulatedProvider::Woosh => vec![Teller::WooshStatus],
            SimulatedProvider::Interakt => vec![Teller::Interakt],
            SimulatedProvider::Wasender => match state {
                State::Sent | State::Failed(_) => vec![Teller::WasenderSent],
                _ => vec![Teller::WasenderUpdate],
            },
            SimulatedProvider::Tracker => vec![Teller::Tracker],
        }
    }

    /// The relay misses some; and the first status of each message, so that it is plain who its provider is.
    fn relay_tellers(&mut self) -> Vec<Teller> {
        let first = !self.life.happenings.iter().any(|happening| happening.told == [Teller::Meta]);
        if first || self.dice.chance(30) { vec![Teller::Meta] } else { vec![Teller::Meta, Teller::WooshRelay] }
    }

    fn interaction_tellers(&mut self) -> Vec<Teller> {
        match self.campaign.provider {
            SimulatedProvider::Meta if self.campaign.relayed => self.relay_tellers(),
            SimulatedProvider::Meta => vec![Teller::Meta],
            SimulatedProvider::Woosh => vec![Teller::WooshRelay],
            SimulatedProvider::Interakt => vec![Teller::Interakt],
            SimulatedProvider::Wasender => {
                vec![Teller::WasenderUpsert, Teller::WasenderReceived, Teller::WasenderPersonal]
            }
            SimulatedProvider::Tracker => Vec::new(),
        }
    }

    fn use_buttons(&mut self, read: i64) {
        let buttons = self.campaign.buttons.len() as u64;
        if buttons == 0 || !self.dice.chance(self.campaign.appeal) {
            return;
        }
        let mut button = self.dice.below(buttons) as usize;
        let mut at = self.first_click(read);
        self.click(self.life.person, button, at);
        while self.dice.chance(28) {
            at += self.dice.skewed(SECOND, 6 * HOUR);
            if self.dice.chance(60) {
                button = self.dice.below(buttons) as usize;
            }
            self.click(self.life.person, button, at);
        }
    }

    fn first_click(&mut self, read: i64) -> i64 {
        let window_end = self.life.sent_at + i64::from(self.world.options.attribution_hours) * HOUR;
        match self.dice.below(100) {
            // At the very end of the window, and just after it.
            0..=1 if window_end > read => window_end,
            2..=3 if window_end > read => window_end + SECOND,
            4..=8 => read + self.dice.skewed(HOUR, 6 * DAY),
            _ => read + self.dice.skewed(SECOND, 30 * MINUTE),
        }
    }

    fn click(&mut self, person: Option<usize>, button: usize, mut at: i64) {
        // Two members of a group may click in one second. Which was first would be known to their ids alone, and the truth
        // knows no ids: so the later one waits.
        let resolution = click_resolution(self.campaign.provider);
        while self
            .life
            .happenings
            .iter()
            .any(|other| matches!(other.what, What::Click(_)) && other.at == round_up(at, resolution))
        {
            at += SECOND;
        }
        let Some(kind) = self.campaign.buttons.get(button).map(|button| button.kind) else { return };
        let mut told = self.interaction_tellers();
        if told.is_empty() {
            // Nobody passes clicks on: they happen unseen.
        } else if self.campaign.provider == SimulatedProvider::Interakt && kind == ButtonKind::Flow {
            told.push(Teller::InteraktFlow);
        }
        let anonymous = self.campaign.provider == SimulatedProvider::Meta && kind == ButtonKind::Link;
        // Interakt's clicks carry the id of the message itself.
        let always = self.campaign.provider == SimulatedProvider::Interakt;
        let names_message = !anonymous && (always || !self.dice.chance(4));
        if !names_message || !self.surely_counts(at) {
            // Clicks that may belong to no message are counted by provider: they come from one alone.
            told.retain(|teller| *teller != Teller::WooshRelay || self.campaign.provider == SimulatedProvider::Woosh);
        }
        let id = self.interaction_id();
        self.happen_to(person, at, What::Click(Click { button, id, names_message }), told);
    }

    /// Whether a click at this time belongs to the message whatever was told of it: something was, and the time is not up.
    fn surely_counts(&self, at: i64) -> bool {
        let is_status = |happening: &Happening| matches!(happening.what, What::State { .. });
        let known = self.life.happenings.iter().any(|happening| is_status(happening) && !happening.told.is_empty());
        known && at <= self.life.sent_at + i64::from(self.world.options.attribution_hours) * HOUR
    }

    fn interaction_id(&mut self) -> String {
        match self.campaign.provider {
            SimulatedProvider::Interakt => self.dice.uuid(),
            SimulatedProvider::Wasender => format!("3A{}", self.dice.hex(18).to_uppercase()),
            _ => format!("wamid.HBgI{}", self.dice.hex(26).to_uppercase()),
        }
    }

    fn answer(&mut self, read: i64) {
        if !self.dice.chance(10) {
            return;
        }
        let at = read + self.dice.skewed(SECOND, 4 * DAY);
        let kind = match self.dice.below(10) {
            0..=5 => ReplyKind::Text,
            6..=7 => ReplyKind::Image,
            // No webhook of Interakt is known to tell of reactions.
            _ if self.campaign.provider == SimulatedProvider::Interakt => ReplyKind::Image,
            _ => ReplyKind::Reaction,
        };
        // A reaction always says to what.
        let names_message = kind == ReplyKind::Reaction || !self.dice.chance(30);
        let told = self.interaction_tellers();
        let id = self.interaction_id();
        self.happen(at, What::Reply(Reply { id, kind, names_message }), told);
    }

    /// A message to a group: sent once, then received, read and used by each member for themselves.
    fn run_group(&mut self) {
        let sent = self.life.sent_at;
        self.happen(sent, What::State { state: State::Sent, priced: false }, vec![Teller::Meta]);
        let first = self.dice.below(self.campaign.audience.len() as u64) as usize;
        let count = 3 + self.dice.below(4) as usize;
        let members: Vec<usize> = self.campaign.audience.iter().cycle().skip(first).take(count).copied().collect();
        for member in members {
            let delivered = self.delivery(sent);
            self.happen_to(
                Some(member),
                delivered,
                What::State { state: State::Delivered, priced: false },
                vec![Teller::Meta],
            );
            if !self.dice.chance(60) {
                continue;
            }
            let read = delivered + self.dice.skewed(SECOND, DAY);
            let told = if self.world.person(member).receipts { vec![Teller::Meta] } else { Vec::new() };
            self.happen_to(Some(member), read, What::State { state: State::Read, priced: false }, told);
            if self.dice.chance(self.campaign.appeal) {
                let button = self.dice.below(self.campaign.buttons.len() as u64) as usize;
                let at = read + self.dice.skewed(SECOND, HOUR);
                self.click(Some(member), button, at);
            }
        }
        self.price();
    }

    /// Chooses which told status carries the price, where the provider tells prices.
    fn price(&mut self) {
        let tells = |teller: &Teller| matches!(teller, Teller::Meta | Teller::WooshRelay | Teller::WooshStatus);
        let priceable = |happening: &Happening| {
            let state =
                matches!(happening.what, What::State { state: State::Sent | State::Delivered | State::Read, .. });
            state && happening.told.iter().any(tells)
        };
        let count = self.life.happenings.iter().filter(|happening| priceable(happening)).count();
        // On `sent` and on one of the others, or on one alone.
        let both = self.dice.chance(50);
        let chosen = self.dice.below(count as u64) as usize;
        let happenings = self.life.happenings.iter_mut().filter(|happening| priceable(happening));
        for (index, happening) in happenings.enumerate() {
            if let What::State { priced, .. } = &mut happening.what {
                *priced = index == chosen || (both && index == 0);
            }
        }
    }
}

/// The next instant that is a whole multiple.
fn round_up(at: i64, resolution: i64) -> i64 {
    (at + resolution - 1).div_euclid(resolution) * resolution
}
