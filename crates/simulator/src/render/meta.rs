//! Meta's messages and statuses. The formats follow Meta's reference of the webhook fields `messages`, `calls`,
//! `user_preferences`, `smb_message_echoes` and `message_template_status_update`.

use serde_json::{Map, Value, json};

use super::meta_envelope::{Change, Part, metadata};
use super::scene::Scene;
use crate::clock::{DAY, SECOND};
use crate::random::SeededRng;
use crate::scenario::{Click, EventKind, Failure, Reply, ReplyKind, State, UnrelatedEvent, UnrelatedEventKind};
use crate::world::{Button, ButtonKind, Form, Line, Person, World};

/// Renders an event of a message's timeline.
pub(super) fn event(scene: &Scene<'_>, rng: &mut SeededRng) -> Option<Change> {
    let line = scene.world.line(scene.campaign.line);
    let part = match &scene.event.kind {
        EventKind::State { state, priced } => status(scene, *state, *priced, rng),
        EventKind::Payment(state) => payment(scene, state),
        EventKind::Click(click) => self::click(scene, line, click, rng)?,
        EventKind::Reply(reply) => {
            let context = reply.names_message.then_some(scene.timeline.id.as_str());
            inbound(line, scene.person?, scene.event.at, &reply.id, context, reply_body(reply, &scene.timeline.id), rng)
        }
    };
    Some(Change { line: scene.campaign.line, part })
}

/// Renders an event that is unrelated to any message.
pub(super) fn unrelated(world: &World, unrelated: &UnrelatedEvent, rng: &mut SeededRng) -> Option<Change> {
    let line_index = unrelated.line(world);
    let line = world.line(line_index);
    let person = world.person(unrelated.person);
    let at = unrelated.at;
    let part = match &unrelated.kind {
        UnrelatedEventKind::Message { id, kind, from_ad } => {
            let mut body = reply_body(&Reply { id: id.clone(), kind: *kind, names_message: false }, "");
            if *from_ad {
                body.insert("referral".to_owned(), referral(rng));
            }
            inbound(line, person, at, id, None, body, rng)
        }
        UnrelatedEventKind::ClickOnUnknown { id, message, button } => {
            let reply = json!({"type": "button_reply", "button_reply": {"id": button, "title": "Old menu"}});
            let body = object([("type", json!("interactive")), ("interactive", reply)]);
            inbound(line, person, at, id, Some(message), body, rng)
        }
        UnrelatedEventKind::LostClick { id, was } => {
            let error = json!({"code": 131_051, "title": "Message type unknown", "message": "Message type unknown",
                "error_data": {"details": "Message type is currently not supported."}});
            let body = object([
                ("type", json!("unsupported")),
                ("errors", json!([error])),
                ("unsupported", json!({"type": was})),
            ]);
            inbound(line, person, at, id, None, body, rng)
        }
        UnrelatedEventKind::LandingPage { click, token } => Part::UserAction(json!({
            "action_type": "landing_page_view",
            "timestamp": seconds(at),
            "landing_page_view_data": {"click_id": click, "tracking_token": token},
        })),
        UnrelatedEventKind::Preference { stop } => preference(line, person, at, *stop),
        UnrelatedEventKind::Call { id } => call(line, person, at, id, rng),
        UnrelatedEventKind::Echo { id } => echo(line, person, at, id),
        UnrelatedEventKind::OldPayment { message } => {
            let status = json!({"id": message, "type": "payment", "status": "captured", "timestamp": seconds(at),
                "recipient_id": person.phone, "recipient_user_id": person.user_id,
                "payment": {"reference_id": "order-old", "amount": {"value": 5_000, "offset": 100}, "currency": "INR"}});
            Part::Status { status, contact: None }
        }
        UnrelatedEventKind::Workflow { .. } => return None,
        UnrelatedEventKind::TemplateNews { template } => Part::Field {
            field: "message_template_status_update",
            at,
            value: json!({"event": "APPROVED", "message_template_id": 600_000_000 + at / SECOND % 1_000_000,
                "message_template_name": template, "message_template_language": "en", "reason": "NONE"}),
        },
    };
    Some(Change { line: line_index, part })
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Seconds since 1970 as text: Meta's format of event times.
fn seconds(at: i64) -> String {
    (at / SECOND).to_string()
}

fn status(scene: &Scene<'_>, state: State, priced: bool, rng: &mut SeededRng) -> Part {
    let mut status = base_status(scene, state.name());
    if priced {
        let free = scene.timeline.free_of_charge;
        status.insert("pricing".to_owned(), pricing(scene, free));
        if rng.chance(40) {
            let mut conversation = object([
                ("id", json!(conversation_id(scene))),
                ("origin", json!({"type": scene.campaign.category.name()})),
            ]);
            if state == State::Sent {
                conversation.insert("expiration_timestamp".to_owned(), json!(seconds(scene.event.at + DAY)));
            }
            status.insert("conversation".to_owned(), Value::Object(conversation));
        }
    }
    if let State::Failed(failure) = state {
        status.insert("errors".to_owned(), json!([error(failure)]));
    }
    if let Some(callback) = &scene.campaign.callback {
        status.insert("biz_opaque_callback_data".to_owned(), json!(callback));
    }
    let failed = matches!(state, State::Failed(_));
    // Meta adds contacts to `sent`, `delivered` and `read` since it introduced user names, never to `failed`.
    let contact = (!failed && rng.chance(50)).then(|| scene.person.map(contact)).flatten();
    Part::Status { status: Value::Object(status), contact }
}

/// The conversation id. Each message has its own conversation.
pub(super) fn conversation_id(scene: &Scene<'_>) -> String {
    let own = scene.timeline.id.get(14..22).unwrap_or_default();
    format!("conv{own}")
}

/// The `pricing` object of a status.
pub(super) fn pricing(scene: &Scene<'_>, free: bool) -> Value {
    let kind = if free { "free_customer_service" } else { "regular" };
    json!({"billable": !free, "pricing_model": "PMP", "type": kind, "category": scene.campaign.category.name()})
}

fn error(failure: Failure) -> Value {
    json!({"code": failure.code, "title": failure.title, "message": failure.title,
        "error_data": {"details": format!("{}.", failure.title)},
        "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"})
}

fn base_status(scene: &Scene<'_>, name: &str) -> Map<String, Value> {
    let mut status = object([
        ("id", json!(scene.timeline.id)),
        ("status", json!(name)),
        ("timestamp", json!(seconds(scene.event.at))),
    ]);
    let mut put = |name: &str, value: Option<&String>| {
        if let Some(value) = value {
            status.insert(name.to_owned(), json!(value));
        }
    };
    let person = scene.person;
    let phone = person.and_then(|person| person.phone.as_ref());
    let user_id = person.and_then(|person| person.user_id.as_ref());
    if scene.campaign.form == Form::Group {
        put("recipient_id", scene.campaign.group.as_ref());
        put("recipient_participant_id", phone);
        put("recipient_participant_user_id", user_id);
        status.insert("recipient_type".to_owned(), json!("group"));
    } else {
        put("recipient_id", phone);
        put("recipient_user_id", user_id);
    }
    status
}

fn payment(scene: &Scene<'_>, state: &str) -> Part {
    let mut status = base_status(scene, state);
    status.insert("type".to_owned(), json!("payment"));
    let payment = json!({"reference_id": format!("order-{}", scene.timeline.campaign),
        "amount": {"value": 21_000, "offset": 100}, "currency": "INR"});
    status.insert("payment".to_owned(), payment);
    Part::Status { status: Value::Object(status), contact: None }
}

/// The `contacts` entry of a person.
fn contact(person: &Person) -> Value {
    let mut contact = object([("profile", json!({"name": person.name}))]);
    if let Some(phone) = &person.phone {
        contact.insert("wa_id".to_owned(), json!(phone));
    }
    if let Some(user_id) = &person.user_id {
        contact.insert("user_id".to_owned(), json!(user_id));
    }
    Value::Object(contact)
}

fn inbound(
    line: &Line,
    person: &Person,
    at: i64,
    id: &str,
    context: Option<&str>,
    body: Map<String, Value>,
    rng: &mut SeededRng,
) -> Part {
    let mut message = body;
    message.insert("id".to_owned(), json!(id));
    // Meta's samples contain a number in some places; production sends text.
    let timestamp = if rng.chance(3) { json!(at / SECOND) } else { json!(seconds(at)) };
    message.insert("timestamp".to_owned(), timestamp);
    if let Some(phone) = &person.phone {
        message.insert("from".to_owned(), json!(phone));
    }
    if let Some(user_id) = &person.user_id {
        message.insert("from_user_id".to_owned(), json!(user_id));
    }
    match context {
        Some(context) => {
            message.insert("context".to_owned(), json!({"from": line.display, "id": context}));
        }
        // A message that quotes no other message has no context, or a context with other fields.
        None if rng.chance(30) => {
            message.insert("context".to_owned(), json!({"forwarded": true}));
        }
        None => {}
    }
    Part::Message { message: Value::Object(message), contact: Some(contact(person)) }
}

fn reply_body(reply: &Reply, answers: &str) -> Map<String, Value> {
    match reply.kind {
        ReplyKind::Text => object([("type", json!("text")), ("text", json!({"body": "Thanks – see you @ 5"}))]),
        ReplyKind::Image => object([
            ("type", json!("image")),
            ("image", json!({"id": "900000000000001", "mime_type": "image/jpeg", "sha256": "c2hhMjU2"})),
        ]),
        ReplyKind::Reaction => {
            object([("type", json!("reaction")), ("reaction", json!({"message_id": answers, "emoji": "👍"}))])
        }
    }
}

fn click(scene: &Scene<'_>, line: &Line, click: &Click, rng: &mut SeededRng) -> Option<Part> {
    let button = scene.campaign.buttons.get(click.button)?;
    if button.kind == ButtonKind::Link {
        return Some(Part::UserAction(json!({
            "action_type": "marketing_messages_link_click",
            "timestamp": if rng.chance(50) { json!(seconds(scene.event.at)) } else { json!(scene.event.at / SECOND) },
            "marketing_messages_link_click_data": {
                "click_component": "cta",
                "click_id": click.id,
                "tracking_token": format!("token-{}", scene.timeline.campaign),
            },
        })));
    }
    let mut body = click_body(button, scene, rng);
    if let Some(group) = &scene.campaign.group {
        body.insert("group_id".to_owned(), json!(group));
    }
    let context = click.names_message.then_some(scene.timeline.id.as_str());
    Some(inbound(line, scene.person?, scene.event.at, &click.id, context, body, rng))
}

fn click_body(button: &Button, scene: &Scene<'_>, rng: &mut SeededRng) -> Map<String, Value> {
    let interactive = match button.kind {
        ButtonKind::QuickReply | ButtonKind::Link => {
            return object([("type", json!("button")), ("button", json!({"payload": button.id, "text": button.text}))]);
        }
        ButtonKind::Reply => {
            json!({"type": "button_reply", "button_reply": {"id": button.id, "title": button.text}})
        }
        ButtonKind::ListRow => {
            let mut row = object([("id", json!(button.id)), ("title", json!(button.text))]);
            if let Some(description) = &button.description {
                row.insert("description".to_owned(), json!(description));
            }
            json!({"type": "list_reply", "list_reply": row})
        }
        ButtonKind::Flow => {
            let answer = json!({"flow_token": flow_token(scene), "choice": rng.below(5), "comment": "fine / gut"});
            json!({"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent", "response_json": answer.to_string()}})
        }
    };
    object([("type", json!("interactive")), ("interactive", interactive)])
}

/// The flow token that the business sent with the flow.
pub(super) fn flow_token(scene: &Scene<'_>) -> String {
    format!("flow-{}", scene.campaign.id)
}

fn referral(rng: &mut SeededRng) -> Value {
    json!({"source_url": "https://fb.me/ad", "source_id": format!("12{:016}", rng.below(1_000_000)),
        "source_type": "ad", "headline": "Sale", "body": "50% off", "media_type": "image",
        "image_url": "https://scontent.example/ad.jpg", "ctwa_clid": format!("Af{}", rng.hex(20))})
}

fn preference(line: &Line, person: &Person, at: i64, stop: bool) -> Part {
    let (detail, value) = if stop {
        ("User requested to stop marketing messages", "stop")
    } else {
        ("User requested to resume marketing messages", "resume")
    };
    let mut preference = object([
        ("detail", json!(detail)),
        ("category", json!("marketing_messages")),
        ("value", json!(value)),
        ("timestamp", json!(at / SECOND)),
    ]);
    if let Some(phone) = &person.phone {
        preference.insert("wa_id".to_owned(), json!(phone));
    }
    if let Some(user_id) = &person.user_id {
        preference.insert("user_id".to_owned(), json!(user_id));
    }
    let value = json!({"messaging_product": "whatsapp", "metadata": metadata(line), "contacts": [contact(person)],
        "user_preferences": [preference]});
    Part::Field { field: "user_preferences", at, value }
}

fn call(line: &Line, person: &Person, at: i64, id: &str, rng: &mut SeededRng) -> Part {
    let peer = person.phone.as_ref().or(person.user_id.as_ref());
    let value = if rng.chance(50) {
        json!({"messaging_product": "whatsapp", "metadata": metadata(line), "statuses": [
            {"id": id, "type": "call", "status": "RINGING", "timestamp": seconds(at), "recipient_id": peer}]})
    } else {
        json!({"messaging_product": "whatsapp", "metadata": metadata(line), "calls": [
            {"id": id, "event": "terminate", "direction": "USER_INITIATED", "timestamp": seconds(at), "from": peer,
             "to": line.display, "status": "Completed", "duration": 61}]})
    };
    Part::Field { field: "calls", at, value }
}

/// A message that an agent wrote on the business's phone. It contains a button reply but is not a click.
fn echo(line: &Line, person: &Person, at: i64, id: &str) -> Part {
    let value = json!({"messaging_product": "whatsapp", "metadata": metadata(line), "message_echoes": [
        {"from": line.display, "to": person.phone.as_ref().or(person.user_id.as_ref()), "id": id,
         "timestamp": seconds(at), "type": "interactive",
         "interactive": {"type": "button_reply", "button_reply": {"id": "echo", "title": "No click"}}}]});
    Part::Field { field: "smb_message_echoes", at, value }
}
