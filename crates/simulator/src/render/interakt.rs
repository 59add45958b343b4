//! Interakt's webhooks. Times are UTC without a zone. Click times have a space instead of `T`, and the fields of a
//! click appear in one of six places.

use serde_json::{Map, Value, json};

use super::scene::Scene;
use crate::clock::{MINUTE, SECOND, naive_micros};
use crate::random::SeededRng;
use crate::scenario::{
    Click, EventKind, Failure, Reply, ReplyKind, State, UnrelatedEvent, UnrelatedEventKind, WebhookKind,
};
use crate::world::{Button, ButtonKind, Campaign, Form, Person, World};

/// Renders an event of a message's timeline.
pub(super) fn event(scene: &Scene<'_>, webhook: WebhookKind, rng: &mut SeededRng) -> Option<Value> {
    let person = scene.person?;
    let micros = rng.between(0, 999);
    match &scene.event.kind {
        EventKind::State { state, .. } => status(scene, person, *state, micros),
        EventKind::Click(click) => {
            let button = scene.campaign.buttons.get(click.button)?;
            if webhook == WebhookKind::InteraktEcho {
                return Some(echo(scene, person, click, button, micros, rng));
            }
            match button.kind {
                ButtonKind::QuickReply | ButtonKind::Link => Some(clicked(scene, person, button, micros, rng)),
                ButtonKind::Reply | ButtonKind::ListRow => {
                    Some(session_reply(scene, person, click, button, micros, rng))
                }
                ButtonKind::Flow => Some(flow(scene, person, click, webhook, micros, rng)),
            }
        }
        EventKind::Reply(reply) => {
            let context = reply.names_message.then_some(scene.timeline.id.as_str());
            Some(received(person, scene.event.at, reply, context, micros, rng))
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
    match &unrelated.kind {
        UnrelatedEventKind::Message { id, kind, .. } => {
            let reply = Reply { id: id.clone(), kind: *kind, names_message: false };
            Some(received(person, unrelated.at, &reply, None, 0, rng))
        }
        UnrelatedEventKind::Echo { id } => {
            // An agent's message has the same webhook type as a customer's message.
            let mut message = inbound(id, unrelated.at, "Text", &json!("Sure, {\"type\": \"button_reply\"}"), None, 0);
            message.insert("chat_message_type".to_owned(), json!("AgentMessage"));
            Some(envelope(unrelated.at, "message_received", &json!({"customer": customer(person), "message": message})))
        }
        UnrelatedEventKind::Workflow { run, chosen_at, choice } => Some(workflow(
            person,
            run,
            *chosen_at,
            choice,
            (webhook == WebhookKind::InteraktFlow).then_some(unrelated.at),
        )),
        UnrelatedEventKind::TemplateNews { template } => {
            let data = json!({"event": "APPROVED", "message_template_id": 12_000 + rng.below(1_000_000),
                "message_template_name": template, "message_template_language": "en", "reason": null});
            Some(envelope(unrelated.at, "message_template_status_update", &data))
        }
        _ => None,
    }
}

fn envelope(at: i64, kind: &str, data: &Value) -> Value {
    json!({"version": "1.0", "timestamp": naive_micros(at, 'T', 0), "type": kind, "data": data})
}

/// The customer, with the phone number in one field or split into country code and national number.
fn customer(person: &Person) -> Value {
    let phone = person.phone.as_deref().unwrap_or_default();
    let (country, national) = phone.split_at_checked(2).unwrap_or((phone, ""));
    // Chosen by the last digit, so that all webhooks about a person have the same form.
    let is_split = phone.ends_with('7');
    json!({"id": person.customer_id, "channel_phone_number": if is_split { None } else { Some(phone) },
        "phone_number": national, "country_code": format!("+{country}"),
        "traits": {"name": person.name, "whatsapp_opted_in": true}})
}

fn status(scene: &Scene<'_>, person: &Person, state: State, micros: i64) -> Option<Value> {
    let family = if scene.campaign.run_by_interakt { "campaign" } else { "api" };
    let (kind, word) = match state {
        State::Sent => ("sent", "Sent"),
        State::Delivered => ("delivered", "Delivered"),
        State::Read => ("read", "Read"),
        State::Failed(_) => ("failed", "Failed"),
        State::Played | State::Deleted => return None,
    };
    let at = scene.event.at;
    let mut message = message(scene, word);
    let time = naive_micros(at, 'T', micros);
    match state {
        State::Delivered => message.insert("delivered_at_utc".to_owned(), json!(time)),
        State::Read => message.insert("seen_at_utc".to_owned(), json!(time)),
        // For `sent` and `failed` Interakt states the time at which it received the send request.
        _ => message.insert("received_at_utc".to_owned(), json!(time)),
    };
    if let State::Failed(Failure { code, title }) = state {
        message.insert("channel_failure_reason".to_owned(), json!(title));
        message.insert("channel_error_code".to_owned(), json!(code.map(|code| code.to_string())));
    }
    // The envelope's time can be earlier than the event's time.
    let envelope_at = if matches!(state, State::Read) { at - 2 * SECOND } else { at + 300 };
    let data = json!({"customer": customer(person), "message": message});
    Some(envelope(envelope_at, &format!("message_{family}_{kind}"), &data))
}

/// The message object that every status and click webhook contains.
fn message(scene: &Scene<'_>, word: &str) -> Map<String, Value> {
    let campaign = scene.campaign;
    let template = campaign.form != Form::Buttons;
    let sent = naive_micros(scene.timeline.sent_at, 'T', 0);
    let mut meta_data = json!({"source": "PublicInterakt"});
    if let (Some(callback), Value::Object(fields)) = (&campaign.callback, &mut meta_data) {
        fields.insert("source_data".to_owned(), json!({"callback_data": callback}));
    }
    let message = json!({
        "id": scene.timeline.id,
        "chat_message_type": if campaign.run_by_interakt { "CampaignMessage" } else { "PublicApiMessage" },
        "channel_failure_reason": null,
        "message_status": word,
        "received_at_utc": sent,
        "delivered_at_utc": null,
        "seen_at_utc": null,
        "campaign_id": campaign.run_by_interakt.then_some(&campaign.id),
        "campaign_name": campaign.run_by_interakt.then_some(&campaign.name),
        "is_template_message": template,
        "raw_template": template.then(|| raw_template(campaign)),
        "channel_error_code": null,
        "message_content_type": if template { "Template" } else { "InteractiveButton" },
        "media_url": null,
        "message": "[{\"type\": \"body\", \"parameters\": [{\"type\": \"text\", \"text\": \"Asha\"}]}]",
        "meta_data": meta_data,
    });
    match message {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// The template as JSON text, which contains its buttons as JSON text.
fn raw_template(campaign: &Campaign) -> String {
    let buttons: Vec<Value> = campaign
        .buttons
        .iter()
        .map(|button| match &button.url {
            Some(url) => json!({"type": "URL", "text": button.text, "url": url}),
            None => json!({"type": "QUICK_REPLY", "text": button.text}),
        })
        .collect();
    json!({"id": "281a5a78-0000-4000-8000-000000000001", "name": campaign.template, "language": "en",
        "category": campaign.category.name().to_uppercase(), "body": "Hello {{1}}", "body_text": "[\"Asha\"]",
        "buttons": Value::Array(buttons).to_string()})
    .to_string()
}

/// The webhook of a click on a template button.
fn clicked(scene: &Scene<'_>, person: &Person, button: &Button, micros: i64, rng: &mut SeededRng) -> Value {
    let at = scene.event.at;
    let time = naive_micros(at, ' ', micros);
    let family = if scene.campaign.run_by_interakt { "campaign" } else { "api" };
    let kind = format!("message_{family}_clicked");
    let link = button.url.as_deref();
    let click_type = if link.is_some() { "CTA" } else { "QR" };
    let mut message = message(scene, "Read");
    let customer = customer(person);
    let mut event = json!({"click_type": click_type, "button_text": button.text,
        "button_link": link.unwrap_or_default(), "click_timestamp": time});
    if let (Some(callback), Value::Object(fields)) = (&scene.campaign.callback, &mut event) {
        fields.insert("callbackData".to_owned(), json!(callback));
    }
    let envelope_at = at + 200;
    let places = if link.is_some() { 6 } else { 5 };
    match rng.below(places) {
        // As documented for quick replies.
        0 => {
            extend(message.get_mut("meta_data"), &event);
            if link.is_none() {
                let payload = json!({"button_payload": {"payload": {"type": "QUICK_REPLY", "text": button.text}}});
                extend(message.get_mut("meta_data"), &payload);
            }
            envelope(envelope_at, &kind, &json!({"customer": customer, "message": message}))
        }
        // As documented for links: without an envelope.
        1 => json!({"customer": customer, "message": message, "event": event}),
        2 => envelope(envelope_at, &kind, &json!({"customer": customer, "message": message, "event": event})),
        3 => {
            let mut body = envelope(envelope_at, &kind, &json!({"customer": customer, "message": message}));
            extend(Some(&mut body), &json!({"event": event}));
            body
        }
        4 => {
            let mut message = Value::Object(message);
            extend(Some(&mut message), &event);
            envelope(envelope_at, &kind, &json!({"customer": customer, "message": message}))
        }
        _ => {
            let url = link.unwrap_or_default();
            let info = json!({"cta_click_info": {url: {"clicked_at_utc": naive_micros(at, 'T', micros), "url": url}}});
            extend(message.get_mut("meta_data"), &info);
            message.insert("button_text".to_owned(), json!(button.text));
            envelope(envelope_at, &kind, &json!({"customer": customer, "message": message}))
        }
    }
}

fn extend(value: Option<&mut Value>, with: &Value) {
    if let (Some(Value::Object(fields)), Value::Object(more)) = (value, with) {
        fields.extend(more.iter().map(|(name, field)| (name.clone(), field.clone())));
    }
}

fn inbound(
    id: &str,
    at: i64,
    content: &str,
    message: &Value,
    context: Option<&str>,
    micros: i64,
) -> Map<String, Value> {
    let value = json!({"id": id, "chat_message_type": "CustomerMessage", "channel_failure_reason": null,
        "message_status": "Sent", "received_at_utc": naive_micros(at, 'T', micros), "delivered_at_utc": null,
        "seen_at_utc": null, "campaign_id": null, "is_template_message": false, "raw_template": null,
        "channel_error_code": null, "message_content_type": content, "media_url": null, "message": message,
        "message_context": context.map(|id| json!({"id": id})), "meta_data": {}});
    match value {
        Value::Object(mut fields) => {
            fields.retain(|name, value| name != "message_context" || !value.is_null());
            fields
        }
        _ => Map::new(),
    }
}

/// The webhook of a click on a reply button or list row of a session message.
fn session_reply(
    scene: &Scene<'_>,
    person: &Person,
    click: &Click,
    button: &Button,
    micros: i64,
    rng: &mut SeededRng,
) -> Value {
    let (content, reply) = if button.kind == ButtonKind::ListRow {
        let row = json!({"id": button.id, "title": button.text, "description": button.description});
        ("InteractiveListReply", json!({"type": "list_reply", "list_reply": row}))
    } else {
        let reply = json!({"id": button.id, "title": button.text});
        ("InteractiveButtonReply", json!({"type": "button_reply", "button_reply": reply}))
    };
    let message = if rng.chance(80) { json!(reply.to_string()) } else { reply };
    let at = scene.event.at;
    let context = Some(scene.timeline.id.as_str());
    let message = inbound(&click.id, at, content, &message, context, micros);
    envelope(at + 150, "message_received", &json!({"customer": customer(person), "message": message}))
}

/// The second webhook of a tap on a template button: a received message, which often lacks the id of the tapped
/// message.
fn echo(scene: &Scene<'_>, person: &Person, click: &Click, button: &Button, micros: i64, rng: &mut SeededRng) -> Value {
    let at = scene.event.at;
    let context = rng.chance(30).then_some(scene.timeline.id.as_str());
    let message = inbound(&click.id, at, "InteractiveButtonReply", &json!(button.text), context, micros);
    envelope(at + 300, "message_received", &json!({"customer": customer(person), "message": message}))
}

/// The two webhooks of a flow response: a received message and a flow response event.
fn flow(
    scene: &Scene<'_>,
    person: &Person,
    click: &Click,
    webhook: WebhookKind,
    micros: i64,
    rng: &mut SeededRng,
) -> Value {
    let at = scene.event.at;
    let answer = json!({"flow_token": "unused", "Choose one:": format!("option {}", rng.below(4)), "Über": "ja"});
    let nested = if rng.chance(70) { json!(answer.to_string()) } else { answer };
    let reply = json!({"type": "nfm_reply", "nfm_reply": {"response_json": nested, "body": "Sent", "name": "flow"}});
    let message = if rng.chance(70) { json!(reply.to_string()) } else { reply };
    let message = inbound(&click.id, at, "InteractiveFlowReply", &message, Some(&scene.timeline.id), micros);
    if webhook == WebhookKind::Interakt {
        return envelope(at + 600, "message_received", &json!({"customer": customer(person), "message": message}));
    }
    let source = json!({"template_name": scene.campaign.template, "callback_data": scene.campaign.callback,
        "campaign_id": scene.campaign.run_by_interakt.then_some(&scene.campaign.id),
        "is_campaign": scene.campaign.run_by_interakt});
    let data = json!({"customer": customer(person), "message": message, "source_template_message": source,
        "flow_id": 1_500_000_000_000_000_u64 + scene.timeline.campaign as u64});
    envelope(at + 700, "message_api_flow_response", &data)
}

/// The webhook of a workflow with all answers so far: the chosen row, and the text if `written_at` is known.
fn workflow(person: &Person, run: &str, chosen_at: i64, choice: &str, written_at: Option<i64>) -> Value {
    let answer = |number: u32, at: i64, content: &str, message: &str| {
        let time = naive_micros(at, 'T', 0);
        json!({"question": {"id": format!("{run}-q{number}"), "step_number": number, "message": "How many are you?"},
            "answer": {"id": format!("{run}-a{number}"), "created_at_utc": time, "received_at_utc": time,
                "message": message, "message_content_type": content}})
    };
    let mut answers = vec![answer(1, chosen_at, "InteractiveListReply", choice)];
    answers.extend(written_at.map(|at| answer(2, at, "Text", "As many as fit")));
    let number = format!("+{}", person.phone.as_deref().unwrap_or_default());
    let data = json!({"id": run, "workflow_id": "d2a02d35-0000-4000-8000-000000000001", "customer_id": person.customer_id,
        "customer_name": person.name, "customer_number": number, "data": answers});
    envelope(written_at.unwrap_or(chosen_at), "workflow_response_update", &data)
}

fn received(person: &Person, at: i64, reply: &Reply, context: Option<&str>, micros: i64, rng: &mut SeededRng) -> Value {
    let (content, message) = match reply.kind {
        ReplyKind::Text => ("Text", "Thanks – when does it start?"),
        ReplyKind::Image => ("Image", ""),
        ReplyKind::Reaction => ("Reaction", "👍"),
    };
    let mut message = inbound(&reply.id, at, content, &json!(message), context, micros);
    if rng.chance(20) {
        // Interakt serialises an empty object as an empty list.
        message.insert("meta_data".to_owned(), json!([]));
    }
    let envelope_at = at + rng.between(1, MINUTE);
    envelope(envelope_at, "message_received", &json!({"customer": customer(person), "message": message}))
}
