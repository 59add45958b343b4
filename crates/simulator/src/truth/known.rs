//! What can be known of each message and each click: what was told, by whom, and the attributes that the telling carries.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::Window;
use crate::clock::HOUR;
use crate::life::{Happening, Life, ReplyKind, SendRecord, State, Story, Stray, StrayWhat, Teller, What};
use crate::options::SimulatedProvider;
use crate::world::{Button, ButtonKind, Campaign, Form, Person, World};

/// Statuses count this long after the first fact of their message.
const STATUS_HORIZON: i64 = 168 * HOUR;

/// Everything that can be known.
pub(super) struct Knowledge<'a> {
    pub(super) world: &'a World,
    pub(super) story: &'a Story,
    pub(super) window: Window,
    /// Every message of which anything is known.
    pub(super) messages: Vec<Message>,
    /// Every click that was told.
    pub(super) clicks: Vec<KnownClick>,
}

/// What is known of a message of the business.
#[derive(Debug, Default)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) sent_at: i64,
    pub(super) delivered_at: Option<i64>,
    pub(super) read_at: Option<i64>,
    pub(super) failed_at: Option<i64>,
    pub(super) error_code: Option<i64>,
    pub(super) error_title: Option<String>,
    pub(super) replied_at: Option<i64>,
    pub(super) provider: &'static str,
    pub(super) recipient: Option<String>,
    pub(super) wa_id: Option<String>,
    pub(super) template: Option<String>,
    pub(super) campaign_id: Option<String>,
    pub(super) campaign_name: Option<String>,
    /// What only the application knows.
    pub(super) record: Option<KnownRecord>,
    /// Ids of the buttons in their order, where known.
    pub(super) buttons: Option<Vec<String>>,
    pub(super) price: Option<Price>,
    /// The attributed clicks in the order of their times.
    pub(super) clicks: Vec<KnownClick>,
}

/// What the application says of a message.
#[derive(Debug)]
pub(super) struct KnownRecord {
    pub(super) ticket: Option<String>,
    pub(super) event: Option<String>,
    pub(super) registration: Option<String>,
    pub(super) guest: Option<String>,
    pub(super) guest_name: Option<String>,
    pub(super) message_type: String,
    pub(super) standalone: bool,
}

/// What a message costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Price {
    pub(super) category: &'static str,
    pub(super) kind: &'static str,
    pub(super) billable: bool,
}

/// What is known of a click.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownClick {
    pub(super) at: i64,
    pub(super) provider: &'static str,
    /// The message that the webhook names.
    pub(super) message: Option<String>,
    /// Whether it belongs to that message.
    pub(super) attributed: bool,
    /// The person by the best name that the webhook gives.
    pub(super) person: Option<String>,
    pub(super) kind: &'static str,
    pub(super) button_id: Option<String>,
    pub(super) button_text: Option<String>,
    pub(super) description: Option<String>,
    pub(super) url: Option<String>,
    pub(super) flow_name: Option<&'static str>,
    pub(super) token: Option<String>,
}

impl KnownClick {
    /// The name that its button goes by.
    pub(super) fn button(&self) -> Option<String> {
        let flow = self.flow_name.map(str::to_owned);
        self.button_id.clone().or_else(|| self.button_text.clone()).or_else(|| self.url.clone()).or(flow)
    }

    /// Whether it counts for the click-through rate; other kinds are only listed.
    pub(super) fn counts(&self) -> bool {
        self.kind != "landing_page_view"
    }
}

impl Message {
    pub(super) fn first_click_at(&self) -> Option<i64> {
        self.clicks.first().map(|click| click.at)
    }

    pub(super) fn is_clicked(&self) -> bool {
        !self.clicks.is_empty()
    }

    pub(super) fn is_read(&self) -> bool {
        self.read_at.is_some() || self.is_clicked()
    }

    pub(super) fn is_delivered(&self) -> bool {
        self.delivered_at.is_some() || self.is_read()
    }

    pub(super) fn is_failed(&self) -> bool {
        self.failed_at.is_some() && !self.is_delivered()
    }

    /// Whether it may have had a button.
    pub(super) fn is_clickable(&self) -> bool {
        self.buttons.as_ref().is_none_or(|buttons| !buttons.is_empty())
    }

    pub(super) fn state(&self) -> &'static str {
        if self.is_read() {
            "read"
        } else if self.is_delivered() {
            "delivered"
        } else if self.is_failed() {
            "failed"
        } else {
            "sent"
        }
    }
}

impl<'a> Knowledge<'a> {
    pub(super) fn new(world: &'a World, story: &'a Story, window: Window) -> Self {
        let mut knowledge = Knowledge { world, story, window, messages: Vec::new(), clicks: Vec::new() };
        for life in &story.lives {
            let mut clicks = clicks(world, life);
            if let Some(mut message) = message(world, life) {
                let deadline = message.sent_at + i64::from(world.options.attribution_hours) * HOUR;
                for click in &mut clicks {
                    click.attributed = click.message.is_some() && click.at <= deadline;
                }
                message.replied_at = replied_at(life, deadline);
                message.clicks = clicks.iter().filter(|click| click.attributed).cloned().collect();
                message.clicks.sort_by_key(|click| click.at);
                knowledge.messages.push(message);
            }
            knowledge.clicks.append(&mut clicks);
        }
        for stray in &story.strays {
            knowledge.clicks.extend(stray_click(world, stray));
        }
        knowledge
    }

    /// The messages sent in the window.
    pub(super) fn cohort(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(|message| self.in_window(message.sent_at))
    }

    /// Those of them that may have had a button.
    pub(super) fn clickable(&self) -> impl Iterator<Item = &Message> {
        self.cohort().filter(|message| message.is_clickable())
    }

    /// The clicks that happened in the window, on whatever.
    pub(super) fn clicks_of_window(&self) -> impl Iterator<Item = &KnownClick> {
        self.clicks.iter().filter(|click| self.in_window(click.at))
    }

    pub(super) fn in_window(&self, at: i64) -> bool {
        (self.window.from..=self.window.to).contains(&self.day(at))
    }

    /// The local day of an instant.
    pub(super) fn day(&self, at: i64) -> Date {
        self.world.clock.day(at)
    }
}

/// The best name of a person: what Meta scopes to the business, else the number.
pub(super) fn name_of(person: &Person) -> Option<String> {
    person.user_id.clone().or_else(|| person.phone.clone())
}

fn is_told(happening: &&Happening) -> bool {
    !happening.told.is_empty()
}

/// The states that were told, with their times.
fn told_states(life: &Life) -> impl Iterator<Item = (State, &Happening)> {
    life.happenings.iter().filter(is_told).filter_map(|happening| match happening.what {
        What::State { state, .. } => Some((state, happening)),
        _ => None,
    })
}

/// The times of the application's record, as the tracker dates it.
pub(super) fn record_times(life: &Life, record: &SendRecord) -> Vec<i64> {
    let again = record.repeated_at.into_iter();
    if record.says_when { vec![life.sent_at] } else { std::iter::once(record.called_at).chain(again).collect() }
}

fn message(world: &World, life: &Life) -> Option<Message> {
    let campaign = world.campaign(life.campaign);
    let recorded = life.record.iter().flat_map(|record| record_times(life, record));
    let sent_at = recorded.chain(told_states(life).map(|(_, happening)| happening.at)).min()?;
    let horizon = sent_at + STATUS_HORIZON;
    let earliest = |wanted: &dyn Fn(State) -> bool| {
        let times = told_states(life).filter(|(state, _)| wanted(*state)).map(|(_, happening)| happening.at);
        times.filter(|&at| at <= horizon).min()
    };
    let failure = told_states(life)
        .filter(|(_, happening)| happening.at <= horizon)
        .filter_map(|(state, happening)| match state {
            State::Failed(failure) => Some((happening.at, failure)),
            _ => None,
        })
        .min_by_key(|(at, _)| *at);
    let detailed = life.record.as_ref().filter(|_| campaign.detailed);
    // What the application forwards does not make it the provider.
    let by_provider =
        told_states(life).any(|(_, happening)| happening.told.iter().any(|&teller| teller != Teller::Tracker));
    Some(Message {
        id: life.id.clone(),
        sent_at,
        delivered_at: earliest(&|state| state == State::Delivered),
        read_at: earliest(&|state| matches!(state, State::Read | State::Played)),
        failed_at: failure.map(|(at, _)| at),
        error_code: failure.and_then(|(_, failure)| failure.code),
        error_title: failure.and_then(|(_, failure)| title_by(campaign.provider, failure.title)),
        provider: if by_provider { campaign.provider.name() } else { SimulatedProvider::Tracker.name() },
        recipient: recipient(world, life),
        wa_id: numbers(world, life).min(),
        template: template(life, campaign, by_provider),
        campaign_id: campaign_id(life, campaign),
        campaign_name: (by_provider && campaign.run_by_interakt).then(|| campaign.name.clone()),
        record: life.record.as_ref().map(|record| known_record(world, life, campaign, record)),
        buttons: detailed.map(|_| campaign.buttons.iter().map(|button| button.id.clone()).collect()),
        price: price(life, campaign),
        ..Message::default()
    })
}

/// Which providers give a failure a title: Interakt gives a reason, which is a message; WASender gives nothing.
fn title_by(provider: SimulatedProvider, title: &str) -> Option<String> {
    let titled = !matches!(provider, SimulatedProvider::Interakt | SimulatedProvider::Wasender);
    titled.then(|| title.to_owned())
}

/// The people that the told statuses are about.
fn told_people<'a>(world: &'a World, life: &'a Life) -> impl Iterator<Item = &'a Person> {
    told_states(life).filter_map(|(_, happening)| happening.person).map(|person| world.person(person))
}

fn numbers<'a>(world: &'a World, life: &'a Life) -> impl Iterator<Item = String> {
    let recorded = life.record.as_ref().and(life.person).map(|person| world.person(person));
    told_people(world, life).chain(recorded).filter_map(|person| person.phone.clone())
}

fn recipient(world: &World, life: &Life) -> Option<String> {
    let scoped = told_people(world, life).filter_map(|person| person.user_id.clone()).min();
    scoped.or_else(|| numbers(world, life).min())
}

fn template(life: &Life, campaign: &Campaign, by_provider: bool) -> Option<String> {
    // Interakt repeats the template in each status; session messages have none.
    let told = by_provider && campaign.provider == SimulatedProvider::Interakt && campaign.form != Form::Buttons;
    (life.record.is_some() || told).then(|| campaign.template.clone())
}

fn campaign_id(life: &Life, campaign: &Campaign) -> Option<String> {
    let told_by = |tellers: &[Teller]| {
        told_states(life).any(|(_, happening)| happening.told.iter().any(|teller| tellers.contains(teller)))
    };
    let named =
        (life.record.is_some() && campaign.detailed) || (campaign.run_by_interakt && told_by(&[Teller::Interakt]));
    if named {
        return Some(campaign.id.clone());
    }
    // Woosh's own statuses leave out what the business attached.
    let attached = told_by(&[Teller::Meta, Teller::WooshRelay, Teller::Interakt]);
    campaign.callback.clone().filter(|_| attached)
}

fn known_record(world: &World, life: &Life, campaign: &Campaign, record: &SendRecord) -> KnownRecord {
    KnownRecord {
        ticket: record.ticket.clone(),
        event: campaign.event.clone(),
        registration: record.registration.clone(),
        guest: record.guest.clone(),
        guest_name: life.person.map(|person| world.person(person).name.clone()),
        message_type: campaign.flow_type.unwrap_or("template").to_owned(),
        standalone: campaign.event.is_none(),
    }
}

fn price(life: &Life, campaign: &Campaign) -> Option<Price> {
    let priced = life
        .happenings
        .iter()
        .filter(is_told)
        .any(|happening| matches!(happening.what, What::State { priced: true, .. }));
    priced.then(|| Price {
        category: campaign.category.name(),
        kind: if life.free { "free_customer_service" } else { "regular" },
        billable: !life.free,
    })
}

/// When somebody answered the message by name, with more than a reaction.
fn replied_at(life: &Life, deadline: i64) -> Option<i64> {
    let replies = life.happenings.iter().filter(is_told).filter(|happening| match &happening.what {
        What::Reply(reply) => reply.names_message && reply.kind != ReplyKind::Reaction,
        _ => false,
    });
    replies.map(|happening| happening.at).filter(|&at| at <= deadline).min()
}

fn clicks(world: &World, life: &Life) -> Vec<KnownClick> {
    let campaign = world.campaign(life.campaign);
    let told = life.happenings.iter().filter(is_told);
    let clicks = told.filter_map(|happening| match &happening.what {
        What::Click(click) => {
            let button = campaign.buttons.get(click.button)?;
            let person = happening.person.map(|person| world.person(person));
            let known = click_as_told(campaign, life.campaign, button);
            Some(KnownClick {
                at: happening.at,
                message: click.names_message.then(|| life.id.clone()),
                // Meta does not say who opened a link.
                person: person.filter(|_| known.token.is_none()).and_then(name_of),
                ..known
            })
        }
        _ => None,
    });
    clicks.collect()
}

/// A click in the words of the provider that tells it.
fn click_as_told(campaign: &Campaign, campaign_index: usize, button: &Button) -> KnownClick {
    let interakt = campaign.provider == SimulatedProvider::Interakt;
    let named = KnownClick {
        provider: campaign.provider.name(),
        button_id: Some(button.id.clone()),
        button_text: Some(button.text.clone()),
        description: button.description.clone(),
        ..KnownClick::default()
    };
    match button.kind {
        ButtonKind::Reply => KnownClick { kind: "button_reply", ..named },
        ButtonKind::ListRow => KnownClick { kind: "list_reply", ..named },
        ButtonKind::QuickReply => KnownClick { kind: "quick_reply", ..named },
        // What a flow's answer shows in the chat is always the word "Sent".
        ButtonKind::Flow => KnownClick {
            kind: "flow_reply",
            button_id: None,
            button_text: Some("Sent".to_owned()),
            flow_name: Some("flow"),
            ..named
        },
        ButtonKind::Link if interakt => {
            KnownClick { kind: "link_click", button_id: None, url: button.url.clone(), ..named }
        }
        ButtonKind::Link => KnownClick {
            kind: "link_click",
            button_id: None,
            button_text: None,
            description: Some("cta".to_owned()),
            token: Some(format!("token-{campaign_index}")),
            ..named
        },
    }
}

fn stray_click(world: &World, stray: &Stray) -> Option<KnownClick> {
    let person = world.person(stray.person);
    let click = KnownClick { at: stray.at, provider: person.provider.name(), ..KnownClick::default() };
    match &stray.what {
        StrayWhat::ClickOnUnknown { message, button, .. } => Some(KnownClick {
            message: Some(message.clone()),
            person: name_of(person),
            kind: "button_reply",
            button_id: Some(button.clone()),
            button_text: Some("Old menu".to_owned()),
            ..click
        }),
        // An answer to a workflow's list names no message, and the row by its label only.
        StrayWhat::Workflow { chosen_at, choice, .. } => Some(KnownClick {
            at: *chosen_at,
            person: name_of(person),
            kind: "list_reply",
            button_text: Some((*choice).to_owned()),
            ..click
        }),
        StrayWhat::LandingPage { token, .. } => {
            Some(KnownClick { kind: "landing_page_view", token: Some(token.clone()), ..click })
        }
        _ => None,
    }
}

/// How often each key occurs.
pub(super) fn tally<K: Ord>(keys: impl Iterator<Item = K>) -> BTreeMap<K, u64> {
    let mut counts = BTreeMap::new();
    for key in keys {
        *counts.entry(key).or_default() += 1;
    }
    counts
}
