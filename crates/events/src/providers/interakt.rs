//! Interakt: statuses of API and campaign messages, clicks, replies, flows and workflows.
//!
//! Message ids are Interakt's own UUIDs, not wamids. Most times have no UTC offset and are in UTC; a time with an
//! offset is read with its offset.

mod clicks;
mod replies;
mod webhook;

use self::webhook::{Webhook, account_event};
use crate::auth_scheme::AuthScheme;
use crate::definition::Definition;
use crate::extracted::{Extracted, Text, boolean, id, integer, text};
use crate::flattening::{Draft, Flattening, Scope, fill};
use crate::json::{Arena, Json};
use crate::limits::MAX_BUTTONS;
use crate::record::Status;
use crate::time::instant;

pub(super) const DEFINITION: Definition = Definition {
    name: "interakt",
    auth: AuthScheme::signature(&["Interakt-Signature"], "INTERAKT_SECRETS"),
    flatten,
    requests: &[],
};

/// Adds the records of a body. Returns `false` if it has no known shape.
fn flatten<'j>(flattening: &mut Flattening<'_>, body: &'j Json<'j>) -> bool {
    // Interakt's sample of a link click has no envelope. Account updates have their name in `field`.
    let data = if body.get("data").is_null() { body } else { body.get("data") };
    let message = data.get("message");
    let stated = body.first(&["type", "field"]).as_str();
    let is_bare_click = stated.is_none() && message.is_object() && body.get("event").is_object();
    let kind = match stated {
        Some(kind) => kind,
        None if is_bare_click => "message_api_clicked",
        None => return false,
    };
    let webhook = Webhook { kind, body, data, message, time: instant(body.get("timestamp")) };
    let states = ["sent", "delivered", "read", "failed"];
    let last_word = kind.strip_prefix("message_").and_then(|rest| rest.rsplit('_').next()).unwrap_or_default();
    match kind {
        "message_received" | "message_api_flow_response" => replies::reply(flattening, &webhook),
        "workflow_response_update" => replies::workflow(flattening, &webhook),
        _ if last_word == "clicked" => clicks::clicked(flattening, &webhook),
        _ => match states.into_iter().find(|state| *state == last_word) {
            Some(state) => status(flattening, &webhook, state),
            None => account_event(flattening, &webhook, kind, data),
        },
    }
    true
}

/// Adds a status. The state follows from the event's name, not from `message_status`, which is "Sent" for inbound
/// messages, too.
fn status<'j>(flattening: &mut Flattening<'_>, webhook: &Webhook<'j>, state: &'static str) {
    let message = webhook.message;
    let member = match state {
        "delivered" => "delivered_at_utc",
        "read" => "seen_at_utc",
        _ => "received_at_utc",
    };
    let time = instant(message.get(member)).or(webhook.time);
    let (Some(message_id), Some(time)) = (id(message.get("id")), time) else {
        return account_event(flattening, webhook, "unplaced_status", webhook.body);
    };
    let mut draft: Draft<Status<'_>> = flattening.draft(&time, &Scope::default());
    flattening.note(&mut draft, "message_id", &message_id);
    draft.columns.message_id = message_id.value;
    let state = Text::named(state, "last word of", webhook.body.first(&["type", "field"]));
    flattening.note(&mut draft, "status", &state);
    draft.columns.status = state.value;
    let person = webhook.person(flattening);
    let code = message.get("channel_error_code");
    let code_number = integer(code);
    let code_text = if code_number.is_none() { text(code) } else { None };
    let arena = Arena::default();
    let template = flattening.nested(&arena, message.get("raw_template"));
    flattening.learn_nested_paths(message.get("raw_template"), &template);
    fill!(flattening, draft, {
        wa_id: person.wa_id,
        user_id: person.user_id,
        error_code: code_number,
        error_title: code_text,
        error_message: text(message.get("channel_failure_reason")),
        template_name: webhook.template_name(&template),
        campaign_id: webhook.campaign("campaign_id"),
        campaign_name: webhook.campaign("campaign_name"),
        callback_data: webhook.callback_data(),
        buttons: buttons(flattening, message, &template),
    });
    flattening.push(draft);
}

/// Types of messages that have no buttons unless they are sent as a template.
const WITHOUT_BUTTONS: &[&str] = &["Text", "Image", "Video", "Audio", "Document", "Sticker", "Location", "Contacts"];

/// The labels of the message's buttons in display order; empty if it has none, `None` if the webhook does not say.
/// `template` is the parsed member `raw_template`.
fn buttons<'t>(
    flattening: &Flattening<'_>,
    message: &'t Json<'t>,
    template: &'t Json<'t>,
) -> Option<Extracted<'t, Vec<String>>> {
    if template.is_object() {
        return template_buttons(flattening, template);
    }
    let content = message.get("message_content_type");
    let is_template = boolean(message.get("is_template_message")).is_none_or(|is_template| is_template.value);
    let is_plain = content.as_str().is_some_and(|content| WITHOUT_BUTTONS.contains(&content));
    (is_plain && !is_template).then(|| Extracted::derived(Vec::new(), "none, by", content))
}

/// The labels of a template's buttons. The template's member `buttons` is a list, a list as JSON in a string, or null
/// if the template has no buttons. `None` for a carousel, because its cards have their own buttons.
fn template_buttons<'t>(flattening: &Flattening<'_>, template: &'t Json<'t>) -> Option<Extracted<'t, Vec<String>>> {
    let node = template.get("buttons");
    let arena = Arena::default();
    let parsed = flattening.nested(&arena, node);
    let list = if node.is_array() { node } else { &parsed };
    let is_carousel = boolean(template.get("is_carousel")).is_some_and(|is_carousel| is_carousel.value);
    let is_stated = template.members().iter().any(|(name, _)| *name == "buttons");
    if is_carousel || !is_stated || !(node.is_null() || list.is_array()) {
        return None;
    }
    let label = |button: &Json<'_>| text(button.first(&["text", "type"])).map(|label| label.value.into_owned());
    let labels: Option<Vec<_>> = list.items().take(MAX_BUTTONS).map(label).collect();
    labels.map(|labels| Extracted::derived(labels, "labels in", node))
}
