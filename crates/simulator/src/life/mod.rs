//! Lives: what happens to each message of the business from its sending on, and what else happens besides; and for every
//! happening, which webhooks tell of it. Nothing here knows how a webhook looks.

mod message;
mod stray;

use crate::world::World;

/// How a happening is told. One happening may be told several times in different words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Teller {
    /// Meta's webhook.
    Meta,
    /// Meta's webhook, passed on by Woosh.
    WooshRelay,
    /// Woosh's own `message.status`.
    WooshStatus,
    /// Woosh's older flat status.
    WooshFlat,
    /// Interakt's status, click or received message.
    Interakt,
    /// Interakt's second telling of a flow's answer.
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
    /// The application forwards a status to the tracker.
    Tracker,
}

/// Why a message failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Meta's code; WASender gives none.
    pub(crate) code: Option<i64>,
    pub(crate) title: &'static str,
}

/// A state that a message reaches.
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
    /// Its name in the column `status`.
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

/// A use of a button.
#[derive(Clone, Debug)]
pub(crate) struct Click {
    /// Which of the campaign's buttons.
    pub(crate) button: usize,
    /// Id of the webhook's own message, where the provider gives one.
    pub(crate) id: String,
    /// Whether the webhook says which message was clicked.
    pub(crate) names_message: bool,
}

/// A message of a person.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) id: String,
    pub(crate) kind: ReplyKind,
    /// Whether the webhook says which message it answers.
    pub(crate) names_message: bool,
}

/// What a message of a person is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReplyKind {
    Text,
    Image,
    Reaction,
}

/// What happens to a message of the business.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// It reaches a state.
    State {
        state: State,
        /// Whether this is the telling that carries the price and the conversation.
        priced: bool,
    },
    /// Somebody uses a button of it.
    Click(Click),
    /// Somebody answers it.
    Reply(Reply),
    /// A payment for it gets a status of its own.
    Payment(&'static str),
}

/// One thing that happens to a message of the business.
#[derive(Clone, Debug)]
pub(crate) struct Happening {
    /// When, in milliseconds, as exactly as its tellers can say.
    pub(crate) at: i64,
    pub(crate) what: What,
    /// Who does it: the recipient, or a member of the group. None for a group's own `sent`.
    pub(crate) person: Option<usize>,
    /// Who tells. Empty: it happens, but nobody learns of it.
    pub(crate) told: Vec<Teller>,
}

/// The application's record of a sending.
#[derive(Clone, Debug)]
pub(crate) struct SendRecord {
    /// When the application calls the tracker, in milliseconds.
    pub(crate) called_at: i64,
    /// When it calls again for the same message, if it does. A call that names no time is repeated on another UTC day only:
    /// within a day, it would be chance which of two times is kept.
    pub(crate) repeated_at: Option<i64>,
    /// Whether the call names the time of sending.
    pub(crate) says_when: bool,
    pub(crate) ticket: Option<String>,
    pub(crate) registration: Option<String>,
    pub(crate) guest: Option<String>,
}

/// The life of one message of the business.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    /// As the provider answered when it was sent.
    pub(crate) id: String,
    pub(crate) campaign: usize,
    /// The recipient; none for a group.
    pub(crate) person: Option<usize>,
    /// When it was sent, in milliseconds.
    pub(crate) sent_at: i64,
    pub(crate) record: Option<SendRecord>,
    pub(crate) happenings: Vec<Happening>,
    /// Whether its price is lifted because the person wrote within the last day.
    pub(crate) free: bool,
}

/// Something that belongs to no message of the business.
#[derive(Clone, Debug)]
pub(crate) struct Stray {
    /// When, in milliseconds.
    pub(crate) at: i64,
    pub(crate) what: StrayWhat,
    pub(crate) person: usize,
    pub(crate) told: Vec<Teller>,
}

/// What can happen besides.
#[derive(Clone, Debug)]
pub(crate) enum StrayWhat {
    /// A message of a person that answers nothing.
    Message { id: String, kind: ReplyKind, from_ad: bool },
    /// A click on a message that the business sent before anybody listened.
    ClickOnUnknown { id: String, message: String, button: String },
    /// A click that Meta could not pass on.
    LostClick { id: String, was: &'static str },
    /// A link of a marketing message was opened, as Meta tells it: with neither person nor message.
    LandingPage { click: String, token: String },
    /// An answer to marketing messages as such.
    Preference { stop: bool },
    /// A telephone call, which has statuses that are no message's.
    Call { id: String },
    /// A message that a person at the business wrote by hand, which looks like a click.
    Echo { id: String },
    /// A payment for a message that was sent before anybody listened: a status, but of no known message.
    OldPayment { message: String },
    /// Interakt's workflow asks twice: a row of a list was chosen at `chosen_at`, and a text is the last answer. Told anew, with
    /// all answers so far, after each.
    Workflow { run: String, chosen_at: i64, choice: &'static str },
    /// News about a template.
    TemplateNews { template: String },
}

/// Everything that happens.
pub(crate) struct Story {
    pub(crate) lives: Vec<Life>,
    pub(crate) strays: Vec<Stray>,
}

impl Story {
    /// Lives out a world.
    pub(crate) fn new(world: &World) -> Self {
        let lives = message::lives(world);
        let strays = stray::strays(world);
        Story { lives, strays }
    }
}
