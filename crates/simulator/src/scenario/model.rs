//! The types of a scenario: timelines of messages, unrelated events, and the webhooks that report each event. Times are
//! milliseconds since 1970, UTC.

use crate::world::World;

/// A kind of webhook. Several webhooks of different kinds can report one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum WebhookKind {
    /// Meta's webhook.
    Meta,
    /// Meta's webhook, relayed by Woosh.
    WooshRelay,
    /// Woosh's own `message.status`.
    WooshStatus,
    /// Woosh's older flat status.
    WooshFlat,
    /// Interakt's status, click or received message.
    Interakt,
    /// Interakt's second report of a flow's answer.
    InteraktFlow,
    /// WASender's `message.sent`.
    WasenderSent,
    /// WASender's `messages.update`.
    WasenderUpdate,
    /// WASender's `messages.upsert`.
    WasenderUpsert,
    /// WASender's `messages.received`.
    WasenderReceived,
    /// WASender's `messages-personal.received`.
    WasenderPersonal,
    /// Interakt's second report of a tap on a template's button: a received message.
    InteraktEcho,
    /// A status that the application forwards to the tracker.
    Tracker,
}

/// Why a message failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Meta's error code; `None` for WASender, which reports no code.
    pub(crate) code: Option<i64>,
    pub(crate) title: &'static str,
}

/// A state of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Sent,
    Delivered,
    Read,
    Played,
    Failed(Failure),
    Deleted,
}

impl State {
    /// Value of the column `status`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            State::Sent => "sent",
            State::Delivered => "delivered",
            State::Read => "read",
            State::Played => "played",
            State::Failed(_) => "failed",
            State::Deleted => "deleted",
        }
    }
}

/// A click on a button.
#[derive(Clone, Debug)]
pub(crate) struct Click {
    /// Index of the button in its campaign.
    pub(crate) button: usize,
    /// Id of the inbound message that reports the click, where the provider sends one.
    pub(crate) id: String,
    /// Whether the webhook contains the id of the clicked message.
    pub(crate) names_message: bool,
}

/// An inbound message of a person.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) id: String,
    pub(crate) kind: ReplyKind,
    /// Whether the webhook contains the id of the answered message.
    pub(crate) names_message: bool,
}

/// The kind of an inbound message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReplyKind {
    Text,
    Image,
    Reaction,
}

/// The kind of an event in a message's timeline.
#[derive(Clone, Debug)]
pub(crate) enum EventKind {
    /// The message reaches a state.
    State {
        state: State,
        /// Whether this status carries price and conversation.
        priced: bool,
    },
    /// A button is clicked.
    Click(Click),
    /// The message is answered.
    Reply(Reply),
    /// A payment status arrives for the message.
    Payment(&'static str),
}

/// An event in a message's timeline.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// Time, rounded up to the precision of the provider's webhooks.
    pub(crate) at: i64,
    pub(crate) kind: EventKind,
    /// The recipient or group member concerned; `None` for the `sent` status of a group.
    pub(crate) person: Option<usize>,
    /// The webhooks that report it. Empty: the event happens, but no webhook reports it.
    pub(crate) reported_by: Vec<WebhookKind>,
}

/// The application's `track-send` call for a message.
#[derive(Clone, Debug)]
pub(crate) struct SendRecord {
    /// Time of the call.
    pub(crate) called_at: i64,
    /// Time of a second, identical call. A call without `sent_at` is dated by its receipt, so it is repeated only on
    /// another UTC day: of two such calls on one day the earlier is kept, which depends on the order of arrival.
    pub(crate) repeated_at: Option<i64>,
    /// Whether the call contains `sent_at`.
    pub(crate) names_time: bool,
    /// Time of a call that contains only message, recipient and, if `names_time`, the time of sending.
    pub(crate) bare_at: Option<i64>,
    /// Calls that correct the first one, in any order.
    pub(crate) corrections: Vec<Correction>,
    pub(crate) ticket: Option<String>,
    pub(crate) registration: Option<String>,
    pub(crate) guest: Option<String>,
}

/// A later `track-send` call that changes some fields; it leaves out the others.
#[derive(Clone, Debug)]
pub(crate) struct Correction {
    /// Time of the call. A later correction may arrive before an earlier one.
    pub(crate) called_at: i64,
    /// The call's `updated_at`. The correction with the latest one takes precedence.
    pub(crate) updated_at: i64,
    pub(crate) ticket: Option<String>,
    pub(crate) template: Option<String>,
    pub(crate) campaign: Option<String>,
}

/// A `track-send` call for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum RecordCall {
    /// A call with everything the application knows.
    Full,
    /// A call with only message and recipient.
    Bare,
    /// The correction with this index.
    Correction(usize),
}

/// Everything that happens to one message of the business.
#[derive(Clone, Debug)]
pub(crate) struct MessageTimeline {
    /// Message id, as the provider returned it.
    pub(crate) id: String,
    /// Index of the campaign.
    pub(crate) campaign: usize,
    /// Index of the recipient; `None` for a group.
    pub(crate) person: Option<usize>,
    /// Time of sending.
    pub(crate) sent_at: i64,
    pub(crate) record: Option<SendRecord>,
    pub(crate) events: Vec<Event>,
    /// Whether the message is free because the person wrote within the last 24 hours.
    pub(crate) free_of_charge: bool,
}

/// An event that is unrelated to any message of the business.
#[derive(Clone, Debug)]
pub(crate) struct UnrelatedEvent {
    /// Time of the event.
    pub(crate) at: i64,
    pub(crate) kind: UnrelatedEventKind,
    pub(crate) person: usize,
    pub(crate) reported_by: Vec<WebhookKind>,
}

impl UnrelatedEvent {
    /// Index of the business's phone number that it concerns.
    pub(crate) fn line(&self, world: &World) -> usize {
        self.person % world.lines.len().max(1)
    }
}

/// The kind of an unrelated event.
#[derive(Clone, Debug)]
pub(crate) enum UnrelatedEventKind {
    /// An inbound message that is not a reply.
    Message { id: String, kind: ReplyKind, from_ad: bool },
    /// A click on a message that was sent before webhooks were set up.
    ClickOnUnknown { id: String, message: String, button: String },
    /// A click that Meta reports as `unsupported`.
    LostClick { id: String, was: &'static str },
    /// A landing page view of a marketing message. Meta reports neither person nor message.
    LandingPage { click: String, token: String },
    /// The person stops or resumes marketing messages.
    Preference { stop: bool },
    /// A phone call. Its statuses are not statuses of a message.
    Call { id: String },
    /// A message that an agent of the business wrote manually. It looks like a click but is not one.
    Echo { id: String },
    /// A payment for a message that was sent before webhooks were set up: a status of an unknown message.
    OldPayment { message: String },
    /// An Interakt workflow with two questions: a list row chosen at `chosen_at`, then a text. Interakt sends all
    /// answers so far after each answer.
    Workflow { run: String, chosen_at: i64, choice: &'static str },
    /// A status update of a template.
    TemplateNews { template: String },
}

/// Everything that happens in a simulation.
pub(crate) struct Scenario {
    pub(crate) timelines: Vec<MessageTimeline>,
    pub(crate) unrelated_events: Vec<UnrelatedEvent>,
}
