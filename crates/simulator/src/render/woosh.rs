//! Woosh Bridge's own formats: `message.status` and the older flat status. Woosh relays everything else in Meta's
//! format.

use serde_json::{Value, json};

use super::meta;
use super::scene::Scene;
use crate::clock::{SECOND, iso_millis, iso_seconds};
use crate::random::SeededRng;
use crate::scenario::{EventKind, State};

/// The tenant that `message.status` names.
pub(crate) const TENANT: &str = "tenant-lifts";

/// The body of `message.status`, complete or without its optional fields.
pub(super) fn status(scene: &Scene<'_>, rng: &mut SeededRng) -> Option<Value> {
    let EventKind::State { state, priced } = scene.event.kind else { return None };
    let at = scene.event.at;
    let mut data = json!({"status": state.name(), "timestamp": (at / SECOND).to_string()});
    let mut body = json!({"type": "message.status", "wa_id": scene.timeline.id, "tenant_id": TENANT});
    let partial = rng.chance(20);
    if !partial {
        put(&mut body, "event_ts", json!(iso_millis(at)));
        put(&mut data, "id", json!(scene.timeline.id));
    }
    put(&mut data, "recipient_id", json!(scene.person?.phone));
    if priced {
        put(&mut data, "pricing", meta::pricing(scene, scene.timeline.free_of_charge));
        put(
            &mut data,
            "conversation",
            json!({"id": meta::conversation_id(scene),
            "origin": {"type": scene.campaign.category.name()}}),
        );
    }
    if let State::Failed(failure) = state {
        put(&mut data, "errors", json!([{"code": failure.code, "title": failure.title, "details": failure.title}]));
    }
    put(&mut body, "data", data);
    Some(body)
}

/// The body of the older status, which has no envelope.
pub(super) fn flat_status(scene: &Scene<'_>) -> Option<Value> {
    let EventKind::State { state, .. } = scene.event.kind else { return None };
    Some(json!({"wa_id": scene.timeline.id, "to": scene.person?.phone, "status": state.name(),
        "timestamp": iso_seconds(scene.event.at)}))
}

fn put(value: &mut Value, name: &str, field: Value) {
    if let Value::Object(fields) = value {
        fields.insert(name.to_owned(), field);
    }
}
