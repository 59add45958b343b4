//! WASenderApi: events of the Baileys library in an envelope.
//!
//! An inbound message arrives as three events: `messages.upsert`, `messages.received` and
//! `messages-personal.received`. They yield the same record, because it contains neither the event's name nor the
//! envelope's time.

mod choices;

use std::borrow::Cow;

use crate::auth_scheme::AuthScheme;
use crate::definition::Definition;
use crate::digest::hash;
use crate::extracted::{Extracted, ExtractedText, Text, boolean, id, text};
use crate::flattening::{AccountEventParts, Draft, Flattening, Scope, fill};
use crate::json::{Items, Json};
use crate::limits::{MAX_ID_BYTES, truncate, truncated};
use crate::payload::Keep;
use crate::person::{Person, pseudonym};
use crate::record::{Click, Message, Status};
use crate::time::instant;

pub(super) const DEFINITION: Definition = Definition {
    name: "wasender",
    auth: AuthScheme::token(&["X-Webhook-Signature"], "WASENDER_SECRETS"),
    flatten,
    requests: &[],
};

/// The members that enclose the messages.
struct Envelope<'j> {
    scope: Scope<'j>,
    /// The provider's name for the event.
    event: &'j str,
    time: Option<Extracted<'j, i64>>,
}

/// Adds the records of a body. Returns `false` if it has no known shape.
fn flatten<'j>(flattening: &mut Flattening<'_>, body: &'j Json<'j>) -> bool {
    let data = body.get("data");
    if data.is_null() && body.get("event").is_null() {
        return false;
    }
    let session = body.first(&["sessionId", "session_id", "session"]);
    // According to WASender's documentation the session id is the API key. Only part of its hash is stored.
    let account_id = id(session)
        .map(|id| Extracted::derived(truncate(&hash(&[&id.value]), 32).to_owned().into(), "hash of", session));
    let event = body.get("event").as_str().unwrap_or_else(|| event_by_shape(data));
    let scope = Scope { account_id, phone_number_id: None };
    let envelope = Envelope { scope, event, time: instant(body.get("timestamp")) };
    let is_inbound = event.starts_with("messages") && (event.ends_with(".upsert") || event.ends_with(".received"));
    let is_known = is_inbound || matches!(event, "messages.update" | "message-receipt.update" | "message.sent");
    let elements = elements(if is_known { data } else { &Json::Null });
    if elements.len() == 0 {
        account_event(flattening, &envelope, event, if data.is_null() { body } else { data });
    }
    flattening.each(elements, |flattening, element| {
        let inner = element.get("message");
        let is_wrapped = element.get("key").is_null() && !inner.get("key").is_null();
        let element = if is_wrapped { inner } else { element };
        let placed = match event {
            "messages.update" => update(flattening, &envelope, element),
            "message-receipt.update" => receipt(flattening, &envelope, element),
            "message.sent" => sent(flattening, &envelope, element),
            _ => message(flattening, &envelope, element),
        };
        if let Err(kind) = placed {
            account_event(flattening, &envelope, kind, element);
        }
    });
    true
}

/// The messages of an event: `data.messages`, or `data` itself; a list or a single object.
fn elements<'j>(data: &'j Json<'j>) -> Items<'j, 'j> {
    let messages = data.get("messages");
    if messages.is_null() { data.items() } else { messages.items() }
}

/// The event's name for bodies without one, which occur in a guide of the provider.
fn event_by_shape<'j>(data: &'j Json<'j>) -> &'static str {
    match elements(data).next() {
        Some(element) if !element.get("update").is_null() => "messages.update",
        Some(element) if !element.get("receipt").is_null() => "message-receipt.update",
        Some(element) if !element.get("success").is_null() => "message.sent",
        Some(element) if element.get("key").is_object() => "messages.received",
        _ => "unknown",
    }
}

/// Whether an element became a record. The error is the type of the account event that stores it instead.
type Placed<'j> = Result<(), &'j str>;

/// Adds an account event, for elements that are neither message nor status, or lack required values.
fn account_event<'j>(flattening: &mut Flattening<'_>, envelope: &Envelope<'j>, kind: &str, content: &'j Json<'j>) {
    let keep = if envelope.event.starts_with("message") { Keep::Metadata } else { Keep::Everything };
    let time = envelope.time;
    flattening
        .account_event(&envelope.scope, AccountEventParts { time, ..AccountEventParts::new(kind, content, keep) });
}

/// The id of the chat, if the chat is a group or a newsletter.
fn group<'j>(key: &'j Json<'j>) -> ExtractedText<'j> {
    let chat = key.get("remoteJid");
    let is_group = chat.as_str().is_some_and(|jid| jid.ends_with("@g.us") || jid.ends_with("@newsletter"));
    if is_group { id(chat) } else { None }
}

/// The sender of a message. A linked id (`…@lid`) is not a phone number; it becomes the user id if there is no phone
/// number.
fn sender<'j>(flattening: &Flattening<'_>, key: &'j Json<'j>) -> Person<'j> {
    let places = [
        "cleanedSenderPn",
        "senderPn",
        "cleanedParticipantPn",
        "participantPn",
        "participantAlt",
        "participant",
        "remoteJidAlt",
        "remoteJid",
    ];
    let person = Person::of(flattening.options, &places.map(|place| key.get(place)));
    if person.wa_id.is_some() {
        return person;
    }
    let linked = ["senderLid", "participantLid", "participant", "remoteJid"].map(|place| key.get(place));
    let linked = linked.into_iter().find(|node| node.as_str().is_some_and(|jid| jid.ends_with("@lid")));
    let user_id = linked.and_then(id).map(|jid| jid.map(|jid| pseudonym(flattening.options, jid)));
    Person { wa_id: None, user_id }
}

/// The message's own time, which is the same in all three events, or else the envelope's time. Some libraries write a
/// 64-bit number as an object with the members `low` and `high`.
fn message_time<'j>(envelope: &Envelope<'j>, message: &'j Json<'j>) -> Option<Extracted<'j, i64>> {
    let stamp = message.get("messageTimestamp");
    instant(stamp).or_else(|| instant(stamp.get("low"))).or(envelope.time)
}

/// Adds a click or an inbound message. Messages of the business itself arrive as the same events and become account
/// events.
fn message<'j>(flattening: &mut Flattening<'_>, envelope: &Envelope<'j>, message: &'j Json<'j>) -> Placed<'j> {
    let key = message.get("key");
    let from_business = boolean(key.get("fromMe")).is_some_and(|from_me| from_me.value);
    let (Some(message_id), Some(time)) = (id(key.get("id")), message_time(envelope, message)) else {
        return Err("unplaced_message");
    };
    if from_business {
        return Err(envelope.event);
    }
    let content = choices::unwrap(message.get("message"));
    let person = sender(flattening, key);
    if let Some((choice, reply)) = choices::choice(flattening, content) {
        let mut draft: Draft<Click<'j>> = flattening.draft(&time, &envelope.scope);
        let session = draft.columns.common.account_id.clone().unwrap_or_default();
        let place = |name| pseudonym(flattening.options, id(key.get(name)).map(|jid| jid.value).unwrap_or_default());
        let click_id = hash(&[&session, &place("remoteJid"), &place("participant"), &message_id.value]);
        flattening.note(&mut draft, "click_id", &Extracted::derived(&click_id, "hash of session and", key));
        draft.columns.click_id = click_id.into();
        choice.fill(flattening, &mut draft);
        fill!(flattening, draft, {
            message_id: choices::original(reply),
            wa_id: person.wa_id,
            user_id: person.user_id,
            group_id: group(key),
        });
        flattening.push(draft);
        return Ok(());
    }
    let mut draft: Draft<Message<'j>> = flattening.draft(&time, &envelope.scope);
    flattening.note(&mut draft, "message_id", &message_id);
    draft.columns.message_id = message_id.value;
    let (kind, inner) = choices::message_type(content);
    fill!(flattening, draft, {
        wa_id: person.wa_id,
        user_id: person.user_id,
        context_message_id: choices::original(inner).or_else(|| id(inner.at(&["key", "id"]))),
        group_id: group(key),
    });
    if let Some(kind) = kind {
        flattening.note(&mut draft, "type", &kind);
        draft.columns.r#type = Some(kind.value);
    }
    flattening.push(draft);
    Ok(())
}

/// Handles `messages.update`: the message's status as a number or name. The update has no time of its own.
fn update<'j>(flattening: &mut Flattening<'_>, envelope: &Envelope<'j>, element: &'j Json<'j>) -> Placed<'j> {
    let state = element.at(&["update", "status"]);
    let state = if state.is_null() { element.get("status") } else { state };
    let Some(state) = id(state) else { return Err(envelope.event) };
    let state = state.map(|name| status_name(&name));
    status(flattening, envelope, element.get("key"), &state, envelope.time, |_, _| ())
}

/// Maps Baileys' number or name of a status to a status. Unknown names are kept in lower case.
fn status_name(name: &str) -> Cow<'static, str> {
    Cow::Borrowed(match name.to_ascii_uppercase().as_str() {
        "0" | "ERROR" => "failed",
        "1" | "PENDING" => "pending",
        "2" | "SENT" | "SERVER_ACK" => "sent",
        "3" | "DELIVERED" | "DELIVERY_ACK" => "delivered",
        "4" | "READ" => "read",
        "5" | "PLAYED" => "played",
        _ => return Cow::Owned(name.to_ascii_lowercase()),
    })
}

/// Handles `message-receipt.update`: when a group member received, read or played the message.
fn receipt<'j>(flattening: &mut Flattening<'_>, envelope: &Envelope<'j>, element: &'j Json<'j>) -> Placed<'j> {
    let receipt = element.get("receipt");
    let states = [("receiptTimestamp", "delivered"), ("readTimestamp", "read"), ("playedTimestamp", "played")];
    let mut placed = Err("unplaced_status");
    for (member, state) in states {
        let stamp = receipt.get(member);
        let time = instant(stamp).or_else(|| instant(stamp.get("low"))).filter(|time| time.value != 0);
        if time.is_none() {
            continue;
        }
        let state = Text::named(state, "name of", stamp);
        placed = status(flattening, envelope, element.get("key"), &state, time, |flattening, draft| {
            let person = Person::of(flattening.options, &[receipt.get("userJid")]);
            fill!(flattening, *draft, { wa_id: person.wa_id, user_id: person.user_id, });
        });
    }
    placed
}

/// Handles `message.sent`: the session sent a message, or failed to send it.
fn sent<'j>(flattening: &mut Flattening<'_>, envelope: &Envelope<'j>, element: &'j Json<'j>) -> Placed<'j> {
    let success = element.get("success");
    let state = match boolean(success) {
        Some(success) => success.map(|success| Cow::Borrowed(if success { "sent" } else { "failed" })),
        None => Extracted::computed(Cow::Borrowed("sent"), "name of the event"),
    };
    let time = message_time(envelope, element);
    status(flattening, envelope, element.get("key"), &state, time, |flattening, draft| {
        fill!(flattening, *draft, { error_message: text(element.get("error")), });
    })
}

/// Adds a status. Fails if it has no id or no time.
fn status<'j>(
    flattening: &mut Flattening<'_>,
    envelope: &Envelope<'j>,
    key: &'j Json<'j>,
    state: &Text<'j>,
    time: Option<Extracted<'j, i64>>,
    finish: impl FnOnce(&Flattening<'_>, &mut Draft<Status<'j>>),
) -> Placed<'j> {
    let (Some(message_id), Some(time)) = (id(key.get("id")), time) else { return Err("unplaced_status") };
    let mut draft: Draft<Status<'j>> = flattening.draft(&time, &envelope.scope);
    flattening.note(&mut draft, "message_id", &message_id);
    draft.columns.message_id = message_id.value;
    flattening.note(&mut draft, "status", state);
    draft.columns.status = truncated(state.value.clone(), MAX_ID_BYTES);
    let person = Person::of(flattening.options, &[key.get("remoteJid"), key.get("remoteJidAlt")]);
    fill!(flattening, draft, { wa_id: person.wa_id, user_id: person.user_id, group_id: group(key), });
    finish(flattening, &mut draft);
    if draft.columns.group_id.is_some() {
        let member = Person::of(flattening.options, &[key.get("participantPn"), key.get("participant")]);
        fill!(flattening, draft, { wa_id: member.wa_id.filter(|_| draft.columns.wa_id.is_none()), });
        draft.columns.participant = draft.columns.wa_id.clone().or_else(|| draft.columns.user_id.clone());
        let source = Extracted::computed((), "the member's number or id");
        flattening.note(&mut draft, "participant", &source);
    }
    flattening.push(draft);
    Ok(())
}
