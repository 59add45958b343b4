//! WASender's webhooks, with the messages of the Baileys library inside. One inbound message comes as up to three events.

use serde_json::{Map, Value, json};

use super::{Scene, Teller};
use crate::clock::SECOND;
use crate::life::{Reply, ReplyKind, State, Stray, StrayWhat, What};
use crate::random::Dice;
use crate::world::{Button, ButtonKind, Person, World};

/// The session's name, which is its API key: nobody may store it.
const SESSION: &str = "test-wasender-session-key";

/// A happening of a message's life.
pub(super) fn happening(scene: &Scene<'_>, teller: Teller, dice: &mut Dice) -> Option<Value> {
    let person = scene.person?;
    let at = scene.happening.at;
    match &scene.happening.what {
        What::State { state, .. } => status(scene, person, teller, *state, dice),
        What::Click(click) => {
            let button = scene.campaign.buttons.get(click.button)?;
            let context = click.names_message.then_some(scene.life.id.as_str());
            let message = click_message(button, context, dice)?;
            Some(inbound(person, at, &click.id, &message, teller, dice))
        }
        What::Reply(reply) => {
            let context = reply.names_message.then_some(scene.life.id.as_str());
            Some(inbound(person, at, &reply.id, &reply_message(reply, context, person), teller, dice))
        }
        What::Payment(_) => None,
    }
}

/// Something that belongs to no message.
pub(super) fn stray(world: &World, stray: &Stray, teller: Teller, dice: &mut Dice) -> Option<Value> {
    let person = world.person(stray.person);
    let (id, kind) = match &stray.what {
        StrayWhat::Message { id, kind, .. } => (id, kind),
        StrayWhat::Echo { id } => return Some(echo(person, stray.at, id)),
        _ => return None,
    };
    let reply = Reply { id: id.clone(), kind: *kind, names_message: false };
    Some(inbound(person, stray.at, id, &reply_message(&reply, None, person), teller, dice))
}

fn jid(person: &Person) -> String {
    format!("{}@s.whatsapp.net", person.phone.as_deref().unwrap_or_default())
}

/// A message that the business wrote on its own phone. It looks like a click, and is none.
fn echo(person: &Person, at: i64, id: &str) -> Value {
    let message = json!({"buttonsResponseMessage": {"selectedButtonId": "echo", "selectedDisplayText": "No click"}});
    json!({"event": "messages.upsert", "sessionId": SESSION, "timestamp": at, "data": {"messages": {
        "key": {"id": id, "fromMe": true, "remoteJid": jid(person)}, "messageTimestamp": at / SECOND, "message": message}}})
}

fn status(scene: &Scene<'_>, person: &Person, teller: Teller, state: State, dice: &mut Dice) -> Option<Value> {
    let at = scene.happening.at;
    let key = json!({"id": scene.life.id, "fromMe": true, "remoteJid": jid(person)});
    if teller == Teller::WasenderSent {
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
    // One update, or a list of one.
    let data = if dice.chance(20) { json!([update]) } else { update };
    Some(json!({"event": "messages.update", "sessionId": SESSION, "timestamp": at, "data": data}))
}

fn click_message(button: &Button, context: Option<&str>, dice: &mut Dice) -> Option<Value> {
    // The menu that was answered is quoted, with titles of buttons that were not chosen.
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
        ButtonKind::QuickReply if dice.chance(30) => {
            let answer = json!({"id": button.id, "display_text": button.text}).to_string();
            json!({"interactiveResponseMessage": {"body": {"text": button.text}, "contextInfo": info,
                "nativeFlowResponseMessage": {"name": "quick_reply", "paramsJson": answer, "version": 3}}})
        }
        ButtonKind::QuickReply => json!({"templateButtonReplyMessage": {"selectedId": button.id,
            "selectedDisplayText": button.text, "selectedIndex": 0, "contextInfo": info}}),
        ButtonKind::Flow | ButtonKind::Link => return None,
    };
    // Disappearing messages are wrapped.
    Some(if dice.chance(15) { json!({"ephemeralMessage": {"message": message}}) } else { message })
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

fn inbound(person: &Person, at: i64, id: &str, message: &Value, teller: Teller, dice: &mut Dice) -> Value {
    let phone = person.phone.as_deref().unwrap_or_default();
    // By linked identity, or by number; the same for all three events of a message.
    let hidden = dice.chance(50);
    let chat = if hidden { format!("1{phone}@lid") } else { jid(person) };
    let (event, list) = match teller {
        Teller::WasenderUpsert => ("messages.upsert", dice.chance(50)),
        Teller::WasenderReceived => ("messages.received", false),
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
