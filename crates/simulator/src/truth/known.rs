//! The facts that webhooks reveal about each message and click: the reported events, the reporting provider, and the
//! fields that this provider sends.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::civil::Date;
use sha2::{Digest, Sha256};

use super::window::Window;
use crate::clock::HOUR;
use crate::options::SimulatedProvider;
use crate::render::{wasender, woosh};
use crate::scenario::{
    Correction, Event, EventKind, MessageTimeline, ReplyKind, Scenario, SendRecord, State, UnrelatedEvent,
    UnrelatedEventKind, WebhookKind,
};
use crate::world::{Button, ButtonKind, Campaign, Form, Person, World};

/// Statuses count up to this long after their message was sent, in milliseconds.
const STATUS_HORIZON: i64 = 168 * HOUR;

/// A receipt later than [`STATUS_HORIZON`] counts as `late` in `unattributed_receipts` up to this long after the send,
/// in milliseconds, and after that as `unknown_message`.
const OPENING_HORIZON: i64 = 744 * HOUR;

/// Everything that the webhooks reveal.
pub(super) struct Knowledge<'a> {
    pub(super) world: &'a World,
    pub(super) scenario: &'a Scenario,
    pub(super) window: Window,
    /// Messages that a webhook reports as sent, counted as in reports.
    pub(super) messages: Vec<Message>,
    /// Messages with any status or send, as look-ups show them: statuses, clicks and replies of any age count.
    pub(super) present: Vec<Message>,
    /// Receipts that no report but `unattributed_receipts` counts: no webhook reports that their message was sent, or
    /// they are later than [`STATUS_HORIZON`].
    pub(super) receipts: Vec<UnattributedReceipt>,
    /// Every reported click.
    pub(super) clicks: Vec<KnownClick>,
}

/// What is known about a message of the business. Times are milliseconds since 1970, UTC.
#[derive(Debug, Default)]
pub(super) struct Message {
    pub(super) id: String,
    /// Time of sending; `None` if no webhook reports it. Only look-ups show such messages.
    pub(super) sent_at: Option<i64>,
    pub(super) delivered_at: Option<i64>,
    pub(super) read_at: Option<i64>,
    pub(super) failed_at: Option<i64>,
    pub(super) error_code: Option<i64>,
    pub(super) error_title: Option<String>,
    pub(super) error_message: Option<String>,
    pub(super) deleted_at: Option<i64>,
    pub(super) replied_at: Option<i64>,
    pub(super) provider: &'static str,
    pub(super) recipient: Option<String>,
    /// The recipient's phone number; `None` for a group, and for a person known only by user id.
    pub(super) phone: Option<String>,
    /// The account and phone number that its statuses name.
    pub(super) sender: Sender,
    pub(super) template: Option<String>,
    /// Language of the template, which only the application reports.
    pub(super) language: Option<String>,
    pub(super) campaign_id: Option<String>,
    pub(super) campaign_name: Option<String>,
    /// Fields that only the application reports.
    pub(super) record: Option<KnownRecord>,
    /// Button ids in display order, if the application reports them.
    pub(super) buttons: Option<Vec<String>>,
    pub(super) price: Option<Price>,
    /// Attributed clicks, ordered by time.
    pub(super) clicks: Vec<KnownClick>,
}

/// The fields of the application's record of a message.
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

/// A status that no report but `unattributed_receipts` counts: no webhook reports its message as sent, or the status is
/// later than [`STATUS_HORIZON`].
#[derive(Debug)]
pub(super) struct UnattributedReceipt {
    pub(super) at: i64,
    pub(super) message: String,
    pub(super) status: &'static str,
    pub(super) provider: &'static str,
    pub(super) reason: &'static str,
}

/// Pricing of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Price {
    pub(super) category: &'static str,
    pub(super) kind: &'static str,
    pub(super) billable: bool,
}

/// What is known about a click.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownClick {
    pub(super) at: i64,
    /// Number of rows that report the click.
    pub(super) rows: usize,
    pub(super) provider: &'static str,
    /// Id of the clicked message, if the webhook contains it.
    pub(super) message: Option<String>,
    /// Whether the click is attributed to that message.
    pub(super) attributed: bool,
    /// The person's phone number, or else user id, if the webhook contains it.
    pub(super) person: Option<String>,
    pub(super) kind: &'static str,
    pub(super) button_id: Option<String>,
    pub(super) button_text: Option<String>,
    pub(super) description: Option<String>,
    pub(super) url: Option<String>,
    pub(super) flow_name: Option<&'static str>,
    pub(super) token: Option<String>,
    /// The button, if the message has only one.
    pub(super) only_button: Option<String>,
    /// The account and phone number that its webhooks name.
    pub(super) sender: Sender,
}

/// The account and the business's phone number that webhooks name.
#[derive(Clone, Debug, Default)]
pub(super) struct Sender {
    pub(super) account: Option<String>,
    pub(super) phone_number: Option<String>,
}

impl Sender {
    /// The account and phone number named by several webhooks; if they differ, the smallest text of each.
    fn of(world: &World, webhooks: impl Iterator<Item = WebhookKind>, line: usize) -> Sender {
        let named: Vec<Sender> = webhooks.map(|webhook| sender_by(world, webhook, line)).collect();
        Sender {
            account: named.iter().filter_map(|sender| sender.account.clone()).min(),
            phone_number: named.iter().filter_map(|sender| sender.phone_number.clone()).min(),
        }
    }
}

impl KnownClick {
    /// Identifier of the button. The first that is known of: the message's only button, id, flow name, text, URL.
    pub(super) fn button(&self) -> Option<String> {
        let flow = self.flow_name.map(str::to_owned);
        let [id, text, url] = [&self.button_id, &self.button_text, &self.url].map(Clone::clone);
        self.only_button.clone().or(id).or(flow).or(text).or(url)
    }

    /// Whether the click counts for the click-through rate; landing page views do not.
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
        self.read_at.is_some() || self.is_clicked() || self.replied_at.is_some()
    }

    pub(super) fn is_delivered(&self) -> bool {
        self.delivered_at.is_some() || self.is_read()
    }

    pub(super) fn is_failed(&self) -> bool {
        self.failed_at.is_some() && !self.is_delivered()
    }

    /// Whether the message has buttons, or its buttons are unknown.
    pub(super) fn is_clickable(&self) -> bool {
        self.buttons.as_ref().is_none_or(|buttons| !buttons.is_empty())
    }

    pub(super) fn state(&self) -> &'static str {
        if self.deleted_at.is_some() {
            "deleted"
        } else if self.is_read() {
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

impl Message {
    /// Adds the clicks and the first reply up to a deadline.
    fn answered(&mut self, timeline: &MessageTimeline, clicks: &[KnownClick], deadline: i64) {
        self.replied_at = replied_at(timeline, deadline);
        self.clicks = clicks.iter().filter(|click| click.message.is_some() && click.at <= deadline).cloned().collect();
        self.clicks.sort_by_key(|click| click.at);
        if let Some([only]) = self.buttons.as_deref() {
            // On a message with one button, every click is on that button.
            self.clicks.iter_mut().for_each(|click| click.only_button = Some(only.clone()));
        }
    }
}

impl<'a> Knowledge<'a> {
    pub(super) fn new(world: &'a World, scenario: &'a Scenario, window: Window) -> Self {
        let mut knowledge = Knowledge {
            world,
            scenario,
            window,
            messages: Vec::new(),
            present: Vec::new(),
            clicks: Vec::new(),
            receipts: Vec::new(),
        };
        let attribution = i64::from(world.options.attribution_hours) * HOUR;
        for timeline in &scenario.timelines {
            let mut clicks = clicks(world, timeline);
            let sent_at = sent_at(timeline);
            if let Some(sent) = sent_at {
                for click in &mut clicks {
                    click.attributed = click.message.is_some() && click.at <= sent + attribution;
                }
                let mut message = message(world, timeline, sent_at, sent + STATUS_HORIZON);
                message.answered(timeline, &clicks, sent + attribution);
                knowledge.messages.push(message);
            }
            if sent_at.is_some() || reported_states(timeline).next().is_some() {
                let mut message = message(world, timeline, sent_at, i64::MAX);
                message.answered(timeline, &clicks, i64::MAX);
                knowledge.present.push(message);
            }
            knowledge.receipts.extend(unattributed_receipts(world, timeline, sent_at));
            knowledge.clicks.append(&mut clicks);
        }
        for unrelated in &scenario.unrelated_events {
            knowledge.clicks.extend(unrelated_click(world, unrelated));
        }
        knowledge
    }

    /// The messages sent within the window.
    pub(super) fn cohort(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(|message| message.sent_at.is_some_and(|sent_at| self.in_window(sent_at)))
    }

    /// The messages of the cohort that have buttons, or whose buttons are unknown.
    pub(super) fn clickable(&self) -> impl Iterator<Item = &Message> {
        self.cohort().filter(|message| message.is_clickable())
    }

    /// All clicks within the window, attributed or not.
    pub(super) fn clicks_of_window(&self) -> impl Iterator<Item = &KnownClick> {
        self.clicks.iter().filter(|click| self.in_window(click.at))
    }

    pub(super) fn in_window(&self, at: i64) -> bool {
        (self.window.from..=self.window.to).contains(&self.day(at))
    }

    /// Local day of a time.
    pub(super) fn day(&self, at: i64) -> Date {
        self.world.clock.day(at)
    }
}

/// Identifier of a person: the phone number, else the business-scoped user id.
pub(super) fn name_of(person: &Person) -> Option<String> {
    person.phone.clone().or_else(|| person.user_id.clone())
}

fn is_reported(event: &&Event) -> bool {
    !event.reported_by.is_empty()
}

/// The statuses that webhooks report, each with its event in the timeline.
fn reported_states(timeline: &MessageTimeline) -> impl Iterator<Item = (State, &Event)> {
    timeline.events.iter().filter(is_reported).filter_map(|event| match event.kind {
        EventKind::State { state, .. } => Some((state, event)),
        _ => None,
    })
}

/// Event times of the application's record, as the tracker stores them.
pub(super) fn record_times(timeline: &MessageTimeline, record: &SendRecord) -> Vec<i64> {
    let again = record.repeated_at.into_iter();
    let statements = record.bare_at.into_iter().chain(record.corrections.iter().map(|correction| correction.called_at));
    if record.names_time {
        // A repeated call is the same statement; a bare call and each correction are separate statements.
        return vec![timeline.sent_at; 1 + statements.count()];
    }
    std::iter::once(record.called_at).chain(again).chain(statements).collect()
}

/// A field of the application's record: from the latest correction that has it, or else from the first record. Among
/// corrections with the same time, the smallest value is used.
fn corrected(
    record: Option<&SendRecord>,
    field: impl Fn(&Correction) -> Option<&String>,
    first: Option<String>,
) -> Option<String> {
    let corrections = record.into_iter().flat_map(|record| &record.corrections);
    let stated = corrections.filter_map(|correction| Some((Reverse(correction.updated_at), field(correction)?)));
    stated.min().map(|(_, value)| value.clone()).or(first)
}

/// Whether a state means that the message was sent.
fn is_origin(state: State) -> bool {
    matches!(state, State::Sent | State::Failed(_))
}

/// Time of sending: the earliest send, or status that means that the message was sent. Receipts do not count.
fn sent_at(timeline: &MessageTimeline) -> Option<i64> {
    let recorded = timeline.record.iter().flat_map(|record| record_times(timeline, record));
    let origins = reported_states(timeline).filter(|(state, _)| is_origin(*state)).map(|(_, event)| event.at);
    recorded.chain(origins).min()
}

fn unattributed_receipts(world: &World, timeline: &MessageTimeline, sent_at: Option<i64>) -> Vec<UnattributedReceipt> {
    let campaign = world.campaign(timeline.campaign);
    let mut receipts: BTreeMap<(i64, &'static str), &'static str> = BTreeMap::new();
    for (state, event) in reported_states(timeline).filter(|(state, _)| !is_origin(*state)) {
        if sent_at.is_none_or(|sent| event.at > sent + STATUS_HORIZON) {
            let told = event.reported_by.iter().map(|&webhook| provider_of(webhook, campaign.provider)).min();
            let provider = receipts.entry((event.at, state.name())).or_insert("~");
            *provider = told.unwrap_or("~").min(*provider);
        }
    }
    let receipt = |((at, status), provider)| {
        let in_sight = sent_at.is_some_and(|sent| at <= sent + OPENING_HORIZON);
        let reason = if in_sight { "late" } else { "unknown_message" };
        UnattributedReceipt { at, message: timeline.id.clone(), status, provider, reason }
    };
    receipts.into_iter().map(receipt).collect()
}

/// Number of rows of an event: one per distinct statement about it. Statements of different providers differ in the
/// column `provider`; Interakt's second report of a flow or a tap differs from its first.
pub(super) fn statements(event: &Event, campaign: SimulatedProvider) -> usize {
    let second = [WebhookKind::InteraktFlow, WebhookKind::InteraktEcho];
    let tell = |webhook: &WebhookKind| (provider_of(*webhook, campaign), second.contains(webhook));
    event.reported_by.iter().map(tell).collect::<std::collections::BTreeSet<_>>().len()
}

/// Value of the column `provider` in rows from a webhook of a campaign.
pub(super) fn provider_of(webhook: WebhookKind, campaign: SimulatedProvider) -> &'static str {
    match webhook {
        WebhookKind::Tracker => SimulatedProvider::Tracker.name(),
        WebhookKind::WooshRelay | WebhookKind::WooshStatus | WebhookKind::WooshFlat => SimulatedProvider::Woosh.name(),
        _ => campaign.name(),
    }
}

/// The known facts of a message, from statuses up to `horizon`.
fn message(world: &World, timeline: &MessageTimeline, sent_at: Option<i64>, horizon: i64) -> Message {
    let events = timeline.events.iter().filter(|event| event.at <= horizon).cloned().collect();
    let timeline = &MessageTimeline { events, ..timeline.clone() };
    let campaign = world.campaign(timeline.campaign);
    let earliest = |wanted: &dyn Fn(State) -> bool| {
        let times = reported_states(timeline).filter(|(state, _)| wanted(*state)).map(|(_, event)| event.at);
        times.min()
    };
    let failure = reported_states(timeline)
        .filter_map(|(state, event)| match state {
            State::Failed(failure) => Some((event, failure)),
            _ => None,
        })
        .min_by_key(|(event, _)| event.at);
    let detailed = timeline.record.as_ref().filter(|_| campaign.detailed);
    // Forwarding a status does not make the application the provider.
    let by_provider = reported_states(timeline)
        .any(|(_, event)| event.reported_by.iter().any(|&webhook| webhook != WebhookKind::Tracker));
    Message {
        id: timeline.id.clone(),
        sent_at,
        delivered_at: earliest(&|state| state == State::Delivered),
        read_at: earliest(&|state| matches!(state, State::Read | State::Played)),
        failed_at: failure.map(|(event, _)| event.at),
        error_code: failure.and_then(|(_, failure)| failure.code),
        error_title: failure.and_then(|(_, failure)| title_by(campaign.provider, failure.title)),
        error_message: failure.and_then(|(event, failure)| error_message(event, failure.title)),
        deleted_at: earliest(&|state| state == State::Deleted),
        provider: if by_provider { campaign.provider.name() } else { SimulatedProvider::Tracker.name() },
        recipient: recipient(world, timeline),
        phone: phone(world, timeline),
        sender: Sender::of(world, status_webhooks(timeline), campaign.line),
        language: timeline.record.as_ref().and(campaign.language).map(str::to_owned),
        template: template(timeline, campaign, by_provider),
        campaign_id: campaign_id(timeline, campaign),
        campaign_name: (by_provider && campaign.run_by_interakt).then(|| campaign.name.clone()),
        record: timeline.record.as_ref().map(|record| known_record(world, timeline, campaign, record)),
        buttons: detailed
            .map(|_| campaign.buttons.iter().map(|button| button.id.clone()).collect())
            .or_else(|| template_buttons(timeline, campaign)),
        price: price(timeline, campaign),
        ..Message::default()
    }
}

/// The button labels, which Interakt sends with each status of a template message.
fn template_buttons(timeline: &MessageTimeline, campaign: &Campaign) -> Option<Vec<String>> {
    let by_interakt = reported_states(timeline).any(|(_, event)| event.reported_by.contains(&WebhookKind::Interakt));
    let labels = || campaign.buttons.iter().map(|button| button.text.clone()).collect();
    (by_interakt && campaign.form != Form::Buttons).then(labels)
}

/// The error message: Meta repeats the title in it, and Interakt puts its reason into it.
fn error_message(event: &Event, title: &str) -> Option<String> {
    let gives = [WebhookKind::Meta, WebhookKind::WooshRelay, WebhookKind::Interakt];
    event.reported_by.iter().any(|webhook| gives.contains(webhook)).then(|| title.to_owned())
}

/// The error title, for providers that send one. Interakt sends a reason, which is stored as the error message;
/// simulated failures of WASender have neither.
fn title_by(provider: SimulatedProvider, title: &str) -> Option<String> {
    let titled = !matches!(provider, SimulatedProvider::Interakt | SimulatedProvider::Wasender);
    titled.then(|| title.to_owned())
}

/// The people in the reported statuses.
fn reported_people<'a>(world: &'a World, timeline: &'a MessageTimeline) -> impl Iterator<Item = &'a Person> {
    reported_states(timeline).filter_map(|(_, event)| event.person).map(|person| world.person(person))
}

/// The people whom the reported statuses and the application's record name. The record names a person without a phone
/// number by user id.
fn known_people<'a>(world: &'a World, timeline: &'a MessageTimeline) -> impl Iterator<Item = &'a Person> {
    let recorded = timeline.record.as_ref().and(timeline.person).map(|person| world.person(person));
    reported_people(world, timeline).chain(recorded)
}

/// The person to whom a message was sent: the phone number, or else the user id. `None` for a group.
fn recipient(world: &World, timeline: &MessageTimeline) -> Option<String> {
    let people = timeline.person.map(|_| known_people(world, timeline)).into_iter().flatten();
    let scoped = people.filter_map(|person| person.user_id.clone()).min();
    phone(world, timeline).or(scoped)
}

fn phone(world: &World, timeline: &MessageTimeline) -> Option<String> {
    let numbers = known_people(world, timeline).filter_map(|person| person.phone.clone());
    timeline.person.and_then(|_| numbers.min())
}

fn status_webhooks(timeline: &MessageTimeline) -> impl Iterator<Item = WebhookKind> {
    reported_states(timeline).flat_map(|(_, event)| event.reported_by.iter().copied())
}

/// The account and phone number that a webhook names. Woosh's own formats name the tenant or nothing, WASender its
/// session, and the application and Interakt nothing.
fn sender_by(world: &World, webhook: WebhookKind, line: usize) -> Sender {
    let account = |account: String| Sender { account: Some(account), phone_number: None };
    match webhook {
        WebhookKind::Meta | WebhookKind::WooshRelay => {
            let line = world.line(line);
            Sender { phone_number: Some(line.phone_number_id.to_owned()), ..account(line.waba.to_owned()) }
        }
        WebhookKind::WooshStatus => account(woosh::TENANT.to_owned()),
        WebhookKind::WasenderSent
        | WebhookKind::WasenderUpdate
        | WebhookKind::WasenderUpsert
        | WebhookKind::WasenderReceived
        | WebhookKind::WasenderPersonal => account(session_account(wasender::SESSION)),
        WebhookKind::WooshFlat
        | WebhookKind::Interakt
        | WebhookKind::InteraktFlow
        | WebhookKind::InteraktEcho
        | WebhookKind::Tracker => Sender::default(),
    }
}

/// The account of a WASender session: 32 digits of the hash of the session id, because the id is a secret.
fn session_account(session: &str) -> String {
    let length = (session.len() as u64).to_be_bytes();
    let digest = Sha256::new().chain_update(length).chain_update(session).finalize();
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn template(timeline: &MessageTimeline, campaign: &Campaign, by_provider: bool) -> Option<String> {
    // Interakt names the template in each status; session messages have no template.
    let names_template =
        by_provider && campaign.provider == SimulatedProvider::Interakt && campaign.form != Form::Buttons;
    let first = (timeline.record.is_some() || names_template).then(|| campaign.template.clone());
    corrected(timeline.record.as_ref(), |correction| correction.template.as_ref(), first)
}

fn campaign_id(timeline: &MessageTimeline, campaign: &Campaign) -> Option<String> {
    let first = first_campaign_id(timeline, campaign);
    corrected(timeline.record.as_ref(), |correction| correction.campaign.as_ref(), first)
}

fn first_campaign_id(timeline: &MessageTimeline, campaign: &Campaign) -> Option<String> {
    let is_reported_by = |webhooks: &[WebhookKind]| {
        reported_states(timeline).any(|(_, event)| event.reported_by.iter().any(|webhook| webhooks.contains(webhook)))
    };
    let named = (timeline.record.is_some() && campaign.detailed)
        || (campaign.run_by_interakt && is_reported_by(&[WebhookKind::Interakt]));
    if named {
        return Some(campaign.id.clone());
    }
    // Woosh's own statuses leave out the callback data.
    let attached = is_reported_by(&[WebhookKind::Meta, WebhookKind::WooshRelay, WebhookKind::Interakt]);
    campaign.callback.clone().filter(|_| attached)
}

fn known_record(world: &World, timeline: &MessageTimeline, campaign: &Campaign, record: &SendRecord) -> KnownRecord {
    KnownRecord {
        ticket: corrected(Some(record), |correction| correction.ticket.as_ref(), record.ticket.clone()),
        event: campaign.event.clone(),
        registration: record.registration.clone(),
        guest: record.guest.clone(),
        guest_name: timeline.person.map(|person| world.person(person).name.clone()),
        message_type: campaign.flow_type.unwrap_or("template").to_owned(),
        standalone: campaign.event.is_none(),
    }
}

fn price(timeline: &MessageTimeline, campaign: &Campaign) -> Option<Price> {
    let priced = timeline
        .events
        .iter()
        .filter(is_reported)
        .any(|event| matches!(event.kind, EventKind::State { priced: true, .. }));
    priced.then(|| Price {
        category: campaign.category.name(),
        kind: if timeline.free_of_charge { "free_customer_service" } else { "regular" },
        billable: !timeline.free_of_charge,
    })
}

/// Time of the first reply that quotes the message, up to the deadline. Reactions are not replies.
fn replied_at(timeline: &MessageTimeline, deadline: i64) -> Option<i64> {
    let replies = timeline.events.iter().filter(is_reported).filter(|event| match &event.kind {
        EventKind::Reply(reply) => reply.names_message && reply.kind != ReplyKind::Reaction,
        _ => false,
    });
    replies.map(|event| event.at).filter(|&at| at <= deadline).min()
}

fn clicks(world: &World, timeline: &MessageTimeline) -> Vec<KnownClick> {
    let campaign = world.campaign(timeline.campaign);
    let reported = timeline.events.iter().filter(is_reported);
    let clicks = reported.filter_map(|event| match &event.kind {
        EventKind::Click(click) => {
            let button = campaign.buttons.get(click.button)?;
            let person = event.person.map(|person| world.person(person));
            let known = click_as_reported(campaign, timeline.campaign, button);
            Some(KnownClick {
                at: event.at,
                rows: statements(event, campaign.provider),
                message: click.names_message.then(|| timeline.id.clone()),
                // Meta does not report who opened a link.
                person: person.filter(|_| known.token.is_none()).and_then(name_of),
                sender: Sender::of(world, event.reported_by.iter().copied(), campaign.line),
                ..known
            })
        }
        _ => None,
    });
    clicks.collect()
}

/// The fields of a click that its provider reports.
fn click_as_reported(campaign: &Campaign, campaign_index: usize, button: &Button) -> KnownClick {
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
        // The chat shows a flow response as the word "Sent".
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

fn unrelated_click(world: &World, unrelated: &UnrelatedEvent) -> Option<KnownClick> {
    let person = world.person(unrelated.person);
    let sender = Sender::of(world, unrelated.reported_by.iter().copied(), unrelated.line(world));
    let provider = person.provider.name();
    let click = KnownClick { at: unrelated.at, rows: 1, provider, sender, ..KnownClick::default() };
    match &unrelated.kind {
        UnrelatedEventKind::ClickOnUnknown { message, button, .. } => Some(KnownClick {
            message: Some(message.clone()),
            person: name_of(person),
            kind: "button_reply",
            button_id: Some(button.clone()),
            button_text: Some("Old menu".to_owned()),
            ..click
        }),
        // The answer to a workflow's list contains no message id and only the label of the row.
        UnrelatedEventKind::Workflow { chosen_at, choice, .. } => Some(KnownClick {
            at: *chosen_at,
            person: name_of(person),
            kind: "list_reply",
            button_text: Some((*choice).to_owned()),
            ..click
        }),
        UnrelatedEventKind::LandingPage { token, .. } => {
            Some(KnownClick { kind: "landing_page_view", token: Some(token.clone()), ..click })
        }
        _ => None,
    }
}

/// Counts how often each key occurs.
pub(super) fn tally<K: Ord>(keys: impl Iterator<Item = K>) -> BTreeMap<K, u64> {
    let mut counts = BTreeMap::new();
    for key in keys {
        *counts.entry(key).or_default() += 1;
    }
    counts
}
