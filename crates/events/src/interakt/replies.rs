//! What customers write to Interakt's accounts: replies to buttons and lists, flows, workflows, and plain messages.

use super::{Notice, other};
use crate::flattening::{AccountEventParts, Draft, Flattening, Scope, fill};
use crate::found::{Found, FoundText, id, text};
use crate::json::Json;
use crate::meta::{Choice, interactive_choice};
use crate::options::hash;
use crate::payload::Keep;
use crate::person::Person;
use crate::record::{Click, Message};
use crate::time::instant;

/// `message_received` and `message_api_flow_response`.
///
/// A flow's submission comes as both, with one message id and one time: one click. The row that comes first stays, so that
/// template and callback data, which only the second has, may be missing.
pub(super) fn reply<'j>(flattening: &mut Flattening<'_>, notice: &Notice<'j>) {
    let message = notice.message;
    let author = message.get("chat_message_type").as_str();
    let time = instant(message.get("received_at_utc")).or(notice.time);
    // What agents and bots answer comes on the same event.
    let is_echo = author.is_some_and(|author| author != "CustomerMessage");
    if is_echo && notice.kind == "message_received" {
        let parts = AccountEventParts::new(notice.kind, notice.data, Keep::Skeleton);
        return flattening.account_event(&Scope::default(), AccountEventParts { time, ..parts });
    }
    let content_type = message.get("message_content_type");
    let content = message.get("message");
    let nested = flattening.nested(content);
    flattening.learn_nested_paths(content, &nested);
    let content = if nested.is_null() { content } else { &nested };
    let choice = choice(flattening, message, content_type, content);
    // As with Meta, a click without a time counts when it came; a message without one is kept aside.
    let time = time.or_else(|| choice.is_some().then(|| flattening.receipt()));
    let message_id = id(message.get("id"));
    let (true, Some(time)) = (message_id.is_some() || choice.is_some(), time) else {
        let parts = AccountEventParts::new("unplaced_message", notice.data, Keep::Skeleton);
        return flattening.account_event(&Scope::default(), AccountEventParts { time: notice.time, ..parts });
    };
    let answered = id(message.at(&["message_context", "id"])).or_else(|| id(message.get("source_message_id")));
    let person = notice.person(flattening);
    let choice = match (choice, &message_id) {
        (Some(choice), _) => choice,
        (None, Some(message_id)) => {
            let kind = id(content_type).map(|found| found.map(|kind| kind.to_lowercase()));
            return inbound(flattening, &time, message_id, kind, answered, person);
        }
        (None, None) => return,
    };
    let mut draft: Draft<Click> = flattening.draft(&time, &Scope::default());
    choice.fill(flattening, &mut draft);
    fill!(flattening, draft, {
        message_id: answered,
        wa_id: person.wa_id,
        user_id: person.user_id,
        template_name: text(notice.source_template().get("template_name")),
        campaign_id: notice.campaign("campaign_id"),
        campaign_name: notice.campaign("campaign_name"),
        callback_data: notice.callback_data(),
        source: Some(Found::made(notice.kind.to_owned(), "name of the event")),
    });
    let click_id = message_id.unwrap_or_else(|| {
        let columns = &draft.columns;
        let parts = [&columns.message_id, &columns.wa_id, &columns.button_id, &columns.button_text];
        let [message, person, button, text] = parts.map(|part| part.as_deref().unwrap_or_default());
        let time = columns.common.event_ts.to_string();
        Found::made(hash(&[message, person, &time, &columns.kind, button, text]), "hash of what identifies the reply")
    });
    flattening.note(&mut draft, "click_id", &click_id);
    draft.columns.click_id = click_id.value;
    flattening.push(draft);
}

fn inbound<'j>(
    flattening: &mut Flattening<'_>,
    time: &Found<'j, i64>,
    message_id: &Found<'j, String>,
    kind: FoundText<'j>,
    answered: FoundText<'j>,
    person: Person<'j>,
) {
    let mut draft: Draft<Message> = flattening.draft(time, &Scope::default());
    flattening.note(&mut draft, "message_id", message_id);
    draft.columns.message_id = message_id.value.clone();
    fill!(flattening, draft, { wa_id: person.wa_id, user_id: person.user_id, context_message_id: answered, });
    if let Some(kind) = kind {
        flattening.note(&mut draft, "type", &kind);
        draft.columns.r#type = Some(kind.value);
    }
    flattening.push(draft);
}

/// The choice in a message: JSON in Meta's shape (as a string or as it is), only the label, or a payload beside it.
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
    let choice = Choice::new(Found::read(kind.to_owned(), "from", content_type));
    Some(Choice {
        button_id: text(payload.first(&["payload", "id"])),
        button_text: text(content).or_else(|| text(payload.get("text"))).filter(|_| kind != "flow_reply"),
        ..choice
    })
}

/// The kind of click that a content type declares.
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

/// `workflow_response_update`: all answers so far, again with each new one. Each answer is a click or a message, once.
pub(super) fn workflow<'j>(flattening: &mut Flattening<'_>, notice: &Notice<'j>) {
    let data = notice.data;
    let workflow_run = id(data.get("id"));
    let person = Person::of(flattening.options, &[data.get("customer_number")]);
    let mut answers = 0;
    flattening.each(data.get("data").items(), |flattening, step| {
        let answer = step.get("answer");
        if answer.is_null() && step.is_object() {
            // A question that is not answered yet is no event.
            return;
        }
        answers += 1;
        let time = instant(answer.get("received_at_utc")).or_else(|| instant(answer.get("created_at_utc")));
        let (Some(run), Some(answer_id), Some(time)) = (&workflow_run, id(answer.get("id")), time) else {
            let parts = AccountEventParts::new("unplaced_answer", step, Keep::Skeleton);
            let time = notice.time;
            return flattening.account_event(&Scope::default(), AccountEventParts { time, ..parts });
        };
        workflow_answer(flattening, notice, answer, &person, run, &answer_id, &time);
    });
    if answers == 0 {
        other(flattening, notice, notice.kind, data);
    }
}

fn workflow_answer<'j>(
    flattening: &mut Flattening<'_>,
    notice: &Notice<'j>,
    answer: &'j Json<'j>,
    person: &Person<'j>,
    run: &Found<'j, String>,
    answer_id: &Found<'j, String>,
    time: &Found<'j, i64>,
) {
    let content_type = answer.get("message_content_type");
    let content = answer.get("message");
    let nested = flattening.nested(content);
    flattening.learn_nested_paths(content, &nested);
    let content = if nested.is_null() { content } else { &nested };
    let key = Found {
        value: hash(&[&run.value, &answer_id.value]),
        how: "hash of",
        nodes: [run.nodes, answer_id.nodes].map(|nodes| nodes.into_iter().flatten().next()),
    };
    let Some(choice) = choice(flattening, answer, content_type, content) else {
        let kind = id(content_type).map(|found| found.map(|kind| kind.to_lowercase()));
        return inbound(flattening, time, &key, kind, None, person.clone());
    };
    let mut draft: Draft<Click> = flattening.draft(time, &Scope::default());
    flattening.note(&mut draft, "click_id", &key);
    draft.columns.click_id = key.value;
    choice.fill(flattening, &mut draft);
    fill!(flattening, draft, {
        wa_id: person.wa_id.clone(),
        user_id: person.user_id.clone(),
        source: Some(Found::made(notice.kind.to_owned(), "name of the event")),
    });
    flattening.push(draft);
}
