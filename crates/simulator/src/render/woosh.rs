//! Woosh Bridge's own shapes: `message.status`, and the older flat status. Everything else it passes on as Meta wrote it.

use serde_json::{Value, json};

use super::{Scene, meta};
use crate::clock::{SECOND, iso_millis, iso_seconds};
use crate::life::{State, What};
use crate::random::Dice;

const TENANT: &str = "tenant-lifts";

/// `message.status`, whole or with the fields missing that Woosh may leave out.
pub(super) fn status(scene: &Scene<'_>, dice: &mut Dice) -> Option<Value> {
    let What::State { state, priced } = scene.happening.what else { return None };
    let at = scene.happening.at;
    let mut data = json!({"status": state.name(), "timestamp": (at / SECOND).to_string()});
    let mut body = json!({"type": "message.status", "wa_id": scene.life.id, "tenant_id": TENANT});
    let partial = dice.chance(20);
    if !partial {
        put(&mut body, "event_ts", json!(iso_millis(at)));
        put(&mut data, "id", json!(scene.life.id));
    }
    put(&mut data, "recipient_id", json!(scene.person?.phone));
    if priced {
        put(&mut data, "pricing", meta::pricing(scene, scene.life.free));
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

/// The older status, with no envelope.
pub(super) fn flat_status(scene: &Scene<'_>) -> Option<Value> {
    let What::State { state, .. } = scene.happening.what else { return None };
    Some(json!({"wa_id": scene.life.id, "to": scene.person?.phone, "status": state.name(),
        "timestamp": iso_seconds(scene.happening.at)}))
}

fn put(value: &mut Value, name: &str, field: Value) {
    if let Value::Object(fields) = value {
        fields.insert(name.to_owned(), field);
    }
}
