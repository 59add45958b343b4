//! Calls of the customer's own application: `track-send` and forwarded statuses.

use serde_json::{Value, json};

use super::scene::Scene;
use crate::clock::{SECOND, iso_millis, iso_seconds};
use crate::scenario::{EventKind, MessageTimeline, RecordCall, SendRecord, State};
use crate::world::World;

/// The body of a `track-send` call.
pub(super) fn record(world: &World, timeline: &MessageTimeline, call: RecordCall) -> Option<Value> {
    let record = timeline.record.as_ref()?;
    let mut fields = common(world, timeline, record);
    match call {
        RecordCall::Full => fields.extend(full(world, timeline, record)),
        RecordCall::Bare => {}
        RecordCall::Correction(index) => {
            let correction = record.corrections.get(index)?;
            fields.extend([
                ("updated_at", json!(iso_millis(correction.updated_at))),
                ("ticket_id", json!(correction.ticket)),
                ("template_name", json!(correction.template)),
                ("campaign_id", json!(correction.campaign)),
            ]);
        }
    }
    // The application leaves out unknown fields.
    let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
    Some(Value::Object(fields.map(|(name, value)| (name.to_owned(), value)).collect()))
}

/// The fields of every call.
fn common(world: &World, timeline: &MessageTimeline, record: &SendRecord) -> Vec<(&'static str, Value)> {
    let person = timeline.person.map(|person| world.person(person));
    // People without a phone number are identified by Meta's user id.
    let number = person.and_then(|person| person.phone.as_ref()).map(|phone| format!("+{phone}"));
    let number = number.or_else(|| person.and_then(|person| person.user_id.clone()));
    vec![
        ("template_wamid", json!(timeline.id)),
        ("wa_id", json!(number)),
        ("sent_at", json!(record.names_time.then(|| iso_millis(timeline.sent_at)))),
    ]
}

/// The additional fields of a call that contains everything the application knows.
fn full(world: &World, timeline: &MessageTimeline, record: &SendRecord) -> Vec<(&'static str, Value)> {
    let campaign = world.campaign(timeline.campaign);
    let person = timeline.person.map(|person| world.person(person));
    let buttons: Vec<&str> = campaign.buttons.iter().map(|button| button.id.as_str()).collect();
    let guest_name = person.map(|person| &person.name);
    vec![
        ("template_name", json!(campaign.template)),
        ("template_language", json!(campaign.language)),
        ("event_id", json!(campaign.event)),
        ("flow_type", json!(campaign.flow_type)),
        ("message_type", json!(campaign.flow_type)),
        ("event_registration_id", json!(record.registration)),
        ("guest_id", json!(record.guest)),
        ("guest_name", json!(guest_name)),
        ("ticket_id", json!(record.ticket)),
        ("campaign_id", json!(campaign.detailed.then_some(&campaign.id))),
        ("buttons", json!(campaign.detailed.then_some(buttons))),
    ]
}

/// The body of a `message-status` request.
pub(super) fn status(scene: &Scene<'_>) -> Option<Value> {
    let EventKind::State { state, .. } = scene.event.kind else { return None };
    let at = scene.event.at;
    let time = if at % SECOND == 0 { iso_seconds(at) } else { iso_millis(at) };
    let mut body = json!({"wamid": scene.timeline.id, "recipient_id": scene.person?.phone, "status": state.name(),
        "timestamp": time});
    if let (State::Failed(failure), Value::Object(fields)) = (state, &mut body) {
        fields.insert("errors".to_owned(), json!([{"code": failure.code, "title": failure.title}]));
    }
    Some(body)
}
