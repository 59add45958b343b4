//! Input and output types of the renderers.

use serde_json::Value;

use super::meta_envelope::Change;
use crate::scenario::{Event, MessageTimeline, RecordCall, WebhookKind};
use crate::world::{Campaign, Person, World};

/// What an [`Update`] reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Subject {
    /// An event of a message, by the indices of timeline and event.
    Event { timeline: usize, event: usize },
    /// A `track-send` call of the application for a message, by the index of its timeline.
    Record { timeline: usize, call: RecordCall },
    /// An event that is unrelated to any message, by its index.
    Unrelated(usize),
}

/// One report of one event by one kind of webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Update {
    pub(crate) subject: Subject,
    pub(crate) webhook: WebhookKind,
}

/// An update in its provider's webhook format.
pub(crate) enum Rendered {
    /// One change for Meta's envelope, which can carry several in a POST.
    Change(Change),
    /// A complete request body.
    Body(Value),
}

/// The input of the renderers of statuses, clicks and replies.
pub(crate) struct Scene<'a> {
    pub(crate) world: &'a World,
    pub(crate) campaign: &'a Campaign,
    pub(crate) timeline: &'a MessageTimeline,
    pub(crate) event: &'a Event,
    /// The recipient or group member concerned; `None` for the `sent` status of a group.
    pub(crate) person: Option<&'a Person>,
}
