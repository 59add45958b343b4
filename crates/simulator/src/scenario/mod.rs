//! Plans all events of a simulation: the timeline of each business message, and events unrelated to any message. The
//! webhook formats are in `render`.

mod model;
mod timeline_builder;
mod unrelated;

pub(crate) use model::{
    Click, Correction, Event, EventKind, Failure, MessageTimeline, RecordCall, Reply, ReplyKind, Scenario, SendRecord,
    State, UnrelatedEvent, UnrelatedEventKind, WebhookKind,
};

use crate::world::World;

/// Plans the scenario of a world.
pub(crate) fn plan(world: &World) -> Scenario {
    Scenario { timelines: timeline_builder::timelines(world), unrelated_events: unrelated::unrelated_events(world) }
}
