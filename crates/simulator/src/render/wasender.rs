//! WASender's webhooks. They contain messages in the format of the Baileys library. Up to three webhooks report one
//! inbound message.

use serde_json::{Map, Value, json};

use super::scene::Scene;
use crate::clock::SECOND;
use crate::random::SeededRng;
use crate::scenario::{EventKind, Reply, ReplyKind, State, UnrelatedEvent, UnrelatedEventKind, WebhookKind};
use crate::world::{Button, ButtonKind, Person, World};

/// The session id, which is also the API key: it must never be stored.
pub(crate) const SESSION: &str = "test-wasender-session-key";

/// Renders an event of a message's timeline.
pub(super) fn event(scene: &Scene<'_>, webhook: WebhookKind, rng: &mut SeededRng) -> Option<Value> {
    let person = scene.person?;
    let at = scene.event.at;
    match &scene.event.kind {
        EventKind::State { state, .. } => status(scene, person, webhook, *state, rng),
        EventKind::Click(click) => {
            let button = scene.campaign.buttons.get(click.button)?;
            let context = click.names_message.then_some(scene.timeline.id.as_str());
            let message = click_message(button, context, rng)?;
            Some(inbound(person, at, &click.id, &message, webhook, rng))
        }
        EventKind::Reply(reply) => {
            let context = reply.names_message.then_some(scene.timeline.id.as_str());
            Some(inbound(person, at, &reply.id, &reply_message(reply, context, person), webhook, rng))
        }
        EventKind::Payment(_) => None,
    }
}

/// Renders an event that is unrelated to any message.
pub(super) fn unrelated(
    world: &World,
    unrelated: &UnrelatedEvent,
    webhook: WebhookKind,
    rng: &mut SeededRng,
) -> Option<Value> {
    let person = world.person(unrelated.person);
    let (id, kind) = match &unrelated.kind {
        UnrelatedEventKind::Message { id, kind, .. } => (id, kind),
        UnrelatedEventKind::Echo { id } => return Some(echo(person, unrelated.at, id)),
        _ => return None,
    };
    let reply = Reply { id: id.clone(), kind: *kind, names_message: false };
    Some(inbound(person, unrelated.at, id, &reply_message(&reply, None, person), webhook, rng))
}

fn jid(person: &Person) -> String {
    format!("{}@s.whatsapp.net", person.phone.as_deref().unwrap_or_default())
}

/// A message that the business wrote on its own phone. It looks like a click but is not one.
fn echo(person: &Person, at: i64, id: &str) -> Value {
    let message = json!({"buttonsResponseMessage": {"selectedButtonId": "echo", "selectedDisplayText": "No click"}});
    json!({"event": "messages.upsert", "sessionId": SESSION, "timestamp": at, "data": {"messages": {
        "key": {"id": id, "fromMe": true, "remoteJid": jid(person)}, "messageTimestamp": at / SECOND, "message": message}}})
}

fn status(
    scene: &Scene<'_>,
    person: &Person,
    webhook: WebhookKind,
    state: State,
    rng: &mut SeededRng,
) -> Option<Value> {
    let at = scene.event.at;
    let key = json!({"id": scene.timeline.id, "fromMe": true, "remoteJid": jid(person)});
    if webhook == WebhookKind::WasenderSent {
        let success = !matches!(state, State::Failed(_));
        return Some(json!({"event": "message.sent", "sessionId": SESSION, "timestamp": at,
            "data": {"key": key, "message": {"conversation": "Hello"}, "success": success}}));
    }
    let number = match state {
        State::Sent => 2,
        State::Delivered => 3,
        State::Read => 4,
        State::Played => 5,
        State::Failed(_) => 0,
        State::Deleted => return None,
    };
    let update = json!({"update": {"status": number}, "key": key});
    // WASender sends a single update or a list of one.
    let data = if rng.chance(20) { json!([update]) } else { update };
    Some(json!({"event": "messages.update", "sessionId": SESSION, "timestamp": at, "data": data}))
}

fn click_message(button: &Button, context: Option<&str>, rng: &mut SeededRng) -> Option<Value> {
    // The webhook quotes the answered menu, including buttons that were not chosen.
    let mut info = json!({"quotedMessage": {"buttonsMessage": {"contentText": "Menu",
        "buttons": [{"buttonId": "other", "buttonText": {"displayText": "Other"}}]}}});
    if let (Some(id), Value::Object(fields)) = (context, &mut info) {
        fields.insert("stanzaId".to_owned(), json!(id));
    }
    let message = match button.kind {
        ButtonKind::Reply => json!({"buttonsResponseMessage": {"selectedButtonId": button.id,
            "selectedDisplayText": button.text, "type": 1, "contextInfo": info}}),
        ButtonKind::ListRow => json!({"listResponseMessage": {"title": button.text, "description": button.description,
            "listType": 1, "singleSelectReply": {"selectedRowId": button.id}, "contextInfo": info}}),
        ButtonKind::QuickReply if rng.chance(30) => {
            let answer = json!({"id": button.id, "display_text": button.text}).to_string();
            json!({"interactiveResponseMessage": {"body": {"text": button.text}, "contextInfo": info,
                "nativeFlowResponseMessage": {"name": "quick_reply", "paramsJson": answer, "version": 3}}})
        }
        ButtonKind::QuickReply => json!({"templateButtonReplyMessage": {"selectedId": button.id,
            "selectedDisplayText": button.text, "selectedIndex": 0, "contextInfo": info}}),
        ButtonKind::Flow | ButtonKind::Link => return None,
    };
    // Disappearing messages are inside a wrapper object.
    Some(if rng.chance(15) { json!({"ephemeralMessage": {"message": message}}) } else { message })
}

fn reply_message(reply: &Reply, context: Option<&str>, person: &Person) -> Value {
    let info = context.map(|id| json!({"stanzaId": id}));
    match (reply.kind, context) {
        (ReplyKind::Text, Some(_)) => json!({"extendedTextMessage": {"text": "Thanks", "contextInfo": info}}),
        (ReplyKind::Text, None) => json!({"conversation": "Hello, a question"}),
        (ReplyKind::Image, _) => {
            let mut image = Map::from_iter([("mimetype".to_owned(), json!("image/jpeg"))]);
            image.extend(info.map(|info| ("contextInfo".to_owned(), info)));
            json!({"imageMessage": image})
        }
        (ReplyKind::Reaction, _) => json!({"reactionMessage": {"text": "👍",
            "key": {"id": context, "fromMe": true, "remoteJid": jid(person)}}}),
    }
}

fn inbound(person: &Person, at: i64, id: &str, message: &Value, webhook: WebhookKind, rng: &mut SeededRng) -> Value {
    let phone = person.phone.as_deref().unwrap_or_default();
    // The chat is a linked id or a phone number, the same in all three webhooks of a message.
    let hidden = rng.chance(50);
    let chat = if hidden { format!("1{phone}@lid") } else { jid(person) };
    let (event, list) = match webhook {
        WebhookKind::WasenderUpsert => ("messages.upsert", rng.chance(50)),
        WebhookKind::WasenderReceived => ("messages.received", false),
        _ => ("messages-personal.received", false),
    };
    let item = json!({
        "key": {"id": id, "fromMe": false, "remoteJid": chat, "senderPn": jid(person), "cleanedSenderPn": phone,
            "addressingMode": if hidden { "lid" } else { "pn" }},
        "messageTimestamp": at / SECOND,
        "pushName": person.name,
        "broadcast": false,
        "message": message,
        "messageBody": "",
        "remoteJid": chat,
        "id": id,
    });
    let messages = if list { json!([item]) } else { item };
    json!({"event": event, "sessionId": SESSION, "timestamp": at + 400, "data": {"messages": messages}})
}
