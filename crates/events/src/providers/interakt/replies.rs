//! Inbound messages of customers: button and list replies, responses to flows and workflows, and other messages.

use super::webhook::{Webhook, account_event};
use crate::click::{Choice, interactive_choice};
use crate::digest::hash;
use crate::extracted::{Extracted, ExtractedText, Text, id, text};
use crate::flattening::{AccountEventParts, Draft, Flattening, Scope, fill};
use crate::json::{Arena, Json};
use crate::payload::Keep;
use crate::person::Person;
use crate::record::{Click, Message};
use crate::time::instant;

/// Handles `message_received` and `message_api_flow_response`.
///
/// The response to a flow arrives as both events, with the same message id and time. Both records have the same click
/// id, so queries count one click. Only the record of `message_api_flow_response` contains the template and the
/// callback data.
pub(super) fn reply<'j>(flattening: &mut Flattening<'_>, webhook: &Webhook<'j>) {
    let message = webhook.message;
    let author = message.get("chat_message_type").as_str();
    let time = instant(message.get("received_at_utc")).or(webhook.time);
    // Messages by agents and bots arrive with the same event name.
    let is_echo = author.is_some_and(|author| author != "CustomerMessage");
    if is_echo && webhook.kind == "message_received" {
        let parts = AccountEventParts::new(webhook.kind, webhook.data, Keep::Metadata);
        return flattening.account_event(&Scope::default(), AccountEventParts { time, ..parts });
    }
    let content_type = message.get("message_content_type");
    let content = message.get("message");
    let arena = Arena::default();
    let nested = flattening.nested(&arena, content);
    flattening.learn_nested_paths(content, &nested);
    let content = if nested.is_null() { content } else { &nested };
    let choice = choice(flattening, message, content_type, content);
    // As with Meta, a click without a time gets the time of receipt, and a message without a time becomes an account
    // event.
    let time = time.or_else(|| choice.is_some().then(|| flattening.receipt()));
    let message_id = id(message.get("id"));
    let (true, Some(time)) = (message_id.is_some() || choice.is_some(), time) else {
        let parts = AccountEventParts::new("unplaced_message", webhook.data, Keep::Metadata);
        return flattening.account_event(&Scope::default(), AccountEventParts { time: webhook.time, ..parts });
    };
    let answered = id(message.at(&["message_context", "id"])).or_else(|| id(message.get("source_message_id")));
    let person = webhook.person(flattening);
    let choice = match (choice, &message_id) {
        (Some(choice), _) => choice,
        (None, Some(message_id)) => {
            let kind = id(content_type).map(|kind| kind.map(|kind| kind.to_lowercase().into()));
            return inbound(flattening, &time, message_id, kind, answered, person);
        }
        (None, None) => return,
    };
    let mut draft: Draft<Click<'_>> = flattening.draft(&time, &Scope::default());
    choice.fill(flattening, &mut draft);
    fill!(flattening, draft, {
        message_id: answered,
        wa_id: person.wa_id,
        user_id: person.user_id,
        template_name: text(webhook.source_template().get("template_name")),
        campaign_id: webhook.campaign("campaign_id"),
        campaign_name: webhook.campaign("campaign_name"),
        callback_data: webhook.callback_data(),
        source: Some(Extracted::computed(webhook.kind.into(), "name of the event")),
    });
    let click_id = message_id.unwrap_or_else(|| {
        let columns = &draft.columns;
        let parts = [&columns.message_id, &columns.wa_id, &columns.button_id, &columns.button_text];
        let [message, person, button, text] = parts.map(|part| part.as_deref().unwrap_or_default());
        let time = columns.common.event_ts.to_string();
        Extracted::computed(
            hash(&[message, person, &time, &columns.kind, button, text]).into(),
            "hash of message, person, time, kind and button",
        )
    });
    flattening.note(&mut draft, "click_id", &click_id);
    draft.columns.click_id = click_id.value;
    flattening.push(draft);
}

fn inbound<'j>(
    flattening: &mut Flattening<'_>,
    time: &Extracted<'j, i64>,
    message_id: &Text<'j>,
    kind: ExtractedText<'j>,
    answered: ExtractedText<'j>,
    person: Person<'j>,
) {
    let mut draft: Draft<Message<'_>> = flattening.draft(time, &Scope::default());
    flattening.note(&mut draft, "message_id", message_id);
    draft.columns.message_id = message_id.value.clone();
    fill!(flattening, draft, { wa_id: person.wa_id, user_id: person.user_id, context_message_id: answered, });
    if let Some(kind) = kind {
        flattening.note(&mut draft, "type", &kind);
        draft.columns.r#type = Some(kind.value);
    }
    flattening.push(draft);
}

/// The choice in a message: an object of Meta's shape (as JSON or inside a string), only a label, or a label with a
/// payload beside it.
fn choice<'t>(
    flattening: &mut Flattening<'_>,
    message: &'t Json<'t>,
    content_type: &'t Json<'t>,
    content: &'t Json<'t>,
) -> Option<Choice<'t>> {
    let declared = content_type.as_str().and_then(declared_kind);
    for interactive in [content.get("interactive"), message.get("interactive"), content] {
        if interactive.is_object() {
            let is_reply = interactive.get("type").as_str().is_some_and(|kind| !interactive.get(kind).is_null());
            if (is_reply || declared.is_some())
                && let Some(choice) = interactive_choice(flattening, interactive)
            {
                return Some(choice);
            }
        }
    }
    let kind = declared?;
    let payload = message.at(&["meta_data", "button_payload"]);
    let payload = if payload.get("payload").is_object() { payload.get("payload") } else { payload };
    let kind = if payload.is_object() && kind == "interactive_reply" { "quick_reply" } else { kind };
    let choice = Choice::new(Text::named(kind, "from", content_type));
    Some(Choice {
        button_id: text(payload.first(&["payload", "id"])),
        button_text: text(content).or_else(|| text(payload.get("text"))).filter(|_| kind != "flow_reply"),
        ..choice
    })
}

/// The kind of click for a content type; `None` for other content types.
fn declared_kind(content_type: &str) -> Option<&'static str> {
    match content_type {
        "InteractiveButtonReply" => Some("button_reply"),
        "InteractiveListReply" => Some("list_reply"),
        "InteractiveFlowReply" => Some("flow_reply"),
        "Interactive" => Some("interactive_reply"),
        "Button" | "ButtonReply" | "QuickReply" => Some("quick_reply"),
        _ => None,
    }
}

/// Handles `workflow_response_update`, which repeats all earlier answers with each new one. Each answer becomes a click
/// or a message, with the same id each time.
pub(super) fn workflow<'j>(flattening: &mut Flattening<'_>, webhook: &Webhook<'j>) {
    let data = webhook.data;
    let workflow_run = id(data.get("id"));
    let person = Person::of(flattening.options, &[data.get("customer_number")]);
    let mut answers = 0;
    flattening.each(data.get("data").items(), |flattening, step| {
        let answer = step.get("answer");
        if answer.is_null() && step.is_object() {
            // Skip a question that was not answered yet.
            return;
        }
        answers += 1;
        let time = instant(answer.get("received_at_utc")).or_else(|| instant(answer.get("created_at_utc")));
        let (Some(run), Some(answer_id), Some(time)) = (&workflow_run, id(answer.get("id")), time) else {
            let parts = AccountEventParts::new("unplaced_answer", step, Keep::Metadata);
            let time = webhook.time;
            return flattening.account_event(&Scope::default(), AccountEventParts { time, ..parts });
        };
        workflow_answer(flattening, webhook, answer, &person, run, &answer_id, &time);
    });
    if answers == 0 {
        account_event(flattening, webhook, webhook.kind, data);
    }
}

fn workflow_answer<'j>(
    flattening: &mut Flattening<'_>,
    webhook: &Webhook<'j>,
    answer: &'j Json<'j>,
    person: &Person<'j>,
    run: &Text<'j>,
    answer_id: &Text<'j>,
    time: &Extracted<'j, i64>,
) {
    let content_type = answer.get("message_content_type");
    let content = answer.get("message");
    let arena = Arena::default();
    let nested = flattening.nested(&arena, content);
    flattening.learn_nested_paths(content, &nested);
    let content = if nested.is_null() { content } else { &nested };
    let key = Extracted {
        value: hash(&[&run.value, &answer_id.value]).into(),
        how: "hash of",
        nodes: [run.nodes, answer_id.nodes].map(|nodes| nodes.into_iter().flatten().next()),
    };
    let Some(choice) = choice(flattening, answer, content_type, content) else {
        let kind = id(content_type).map(|kind| kind.map(|kind| kind.to_lowercase().into()));
        return inbound(flattening, time, &key, kind, None, person.clone());
    };
    let mut draft: Draft<Click<'_>> = flattening.draft(time, &Scope::default());
    flattening.note(&mut draft, "click_id", &key);
    draft.columns.click_id = key.value;
    choice.fill(flattening, &mut draft);
    fill!(flattening, draft, {
        wa_id: person.wa_id.clone(),
        user_id: person.user_id.clone(),
        source: Some(Extracted::computed(webhook.kind.into(), "name of the event")),
    });
    flattening.push(draft);
}
