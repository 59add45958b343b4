//! Meta's inbound messages: clicks and the rest; and clicks on links.

use super::Surroundings;
use crate::bounds::{MAX_RESPONSE_JSON_BYTES, cut};
use crate::flattening::{AccountEventParts, Draft, Flattening, fill};
use crate::found::{Found, FoundText, id, integer, own_token, text};
use crate::json::Json;
use crate::options::hash;
use crate::payload::Keep;
use crate::record::{Click, Message};
use crate::time::instant;

/// What a click says of itself.
pub(crate) struct Choice<'j> {
    pub(crate) kind: Found<'j, String>,
    pub(crate) button_id: FoundText<'j>,
    pub(crate) button_text: FoundText<'j>,
    pub(crate) description: FoundText<'j>,
    pub(crate) flow_name: FoundText<'j>,
    pub(crate) flow_token: FoundText<'j>,
    pub(crate) response_json: FoundText<'j>,
}

impl<'j> Choice<'j> {
    pub(crate) fn new(kind: Found<'j, String>) -> Self {
        Choice {
            kind,
            button_id: None,
            button_text: None,
            description: None,
            flow_name: None,
            flow_token: None,
            response_json: None,
        }
    }

    /// Fills the columns of a click.
    pub(crate) fn fill(self, flattening: &Flattening<'_>, draft: &mut Draft<Click>) {
        flattening.note(draft, "kind", &self.kind);
        draft.columns.kind = self.kind.value;
        fill!(flattening, *draft, {
            button_id: self.button_id,
            button_text: self.button_text,
            description: self.description,
            flow_name: self.flow_name,
            flow_token: self.flow_token,
            response_json: self.response_json,
        });
    }
}

/// One message becomes one click, or one inbound message, or an account event if it cannot be placed.
pub(crate) fn message<'j>(flattening: &mut Flattening<'_>, around: &Surroundings<'j>, message: &'j Json<'j>) {
    let message_id = id(message.get("id"));
    let time = instant(message.get("timestamp")).or(around.entry_time);
    match (choice(flattening, message), message_id, time) {
        (Some(choice), message_id, time) => {
            let time = time.unwrap_or_else(|| flattening.receipt());
            click(flattening, around, message, choice, message_id, &time);
        }
        (None, Some(message_id), Some(time)) => inbound(flattening, around, message, message_id, &time),
        _ => {
            let parts = AccountEventParts::new("unplaced_message", message, Keep::Skeleton);
            flattening.account_event(&around.scope, parts);
        }
    }
}

/// What was chosen, if the message is a click.
fn choice<'j>(flattening: &mut Flattening<'_>, message: &'j Json<'j>) -> Option<Choice<'j>> {
    let button = message.get("button");
    match message.get("type").as_str() {
        Some("button") | None if button.is_object() => {
            let kind = Found::read("quick_reply".to_owned(), "a template's quick reply:", button);
            let choice = Choice::new(kind);
            Some(Choice { button_id: text(button.get("payload")), button_text: text(button.get("text")), ..choice })
        }
        Some("interactive") | None => interactive_choice(flattening, message.get("interactive")),
        _ => None,
    }
}

/// What was chosen in an interactive message.
pub(crate) fn interactive_choice<'j>(flattening: &mut Flattening<'_>, interactive: &'j Json<'j>) -> Option<Choice<'j>> {
    const KINDS: [&str; 5] = ["button_reply", "list_reply", "nfm_reply", "call_permission_reply", "payment_method"];
    let named = interactive.get("type");
    let kind = named.as_str().or_else(|| KINDS.into_iter().find(|kind| interactive.get(kind).is_object()))?;
    let node = if named.is_null() { interactive } else { named };
    let reply = interactive.get(kind);
    let choice = Choice::new(Found::copied(cut(kind, crate::bounds::MAX_ID_BYTES).to_owned(), node));
    Some(match kind {
        "nfm_reply" => flow_choice(flattening, reply, node),
        "call_permission_reply" => {
            Choice { button_id: text(reply.get("response")), description: text(reply.get("response_source")), ..choice }
        }
        "payment_method" => Choice {
            button_id: text(reply.get("payment_method")),
            description: text(reply.get("reference_id")),
            ..choice
        },
        _ => Choice {
            button_id: text(reply.get("id")),
            button_text: text(reply.get("title")),
            description: text(reply.get("description")),
            ..choice
        },
    })
}

/// A flow's answer: `response_json` is a string of JSON, in relays also an object, and may hold anything.
pub(crate) fn flow_choice<'j>(flattening: &mut Flattening<'_>, reply: &'j Json<'j>, node: &'j Json<'j>) -> Choice<'j> {
    let response = reply.first(&["response_json", "paramsJson"]);
    let nested = flattening.nested(response);
    let answer = if nested.is_null() { response } else { &nested };
    let flow_token = own_token(answer.get("flow_token"));
    let flow_token = flow_token.map(|found| Found::read(found.value, "flow_token in", response));
    let kept = flattening.options.keep_response_json && !response.is_null();
    let response_json = kept.then(|| match response {
        Json::String(json) => Found::copied(cut(json, MAX_RESPONSE_JSON_BYTES).to_owned(), response),
        other => {
            let json = crate::payload::write_whole(other);
            Found::read(cut(&json, MAX_RESPONSE_JSON_BYTES).to_owned(), "JSON of", response)
        }
    });
    Choice {
        button_text: text(reply.get("body")),
        flow_name: id(reply.get("name")),
        flow_token,
        response_json,
        ..Choice::new(Found::read("flow_reply".to_owned(), "a flow's reply:", node))
    }
}

/// Adds a click on a message of Meta's shape. Without an id of its own it gets a hash of what identifies it.
pub(crate) fn click<'j>(
    flattening: &mut Flattening<'_>,
    around: &Surroundings<'j>,
    message: &'j Json<'j>,
    choice: Choice<'j>,
    message_id: FoundText<'j>,
    time: &Found<'j, i64>,
) {
    let mut draft: Draft<Click> = flattening.draft(time, &around.scope);
    let person = around.contacts.person(flattening, &[message.get("from"), message.get("from_user_id")]);
    let referral = message.get("referral");
    let context = message.at(&["context", "id"]);
    let context = if context.is_null() { message.get("contextId") } else { context };
    let context = if context.is_null() { around.context_id } else { context };
    choice.fill(flattening, &mut draft);
    fill!(flattening, draft, {
        message_id: id(context),
        wa_id: person.wa_id,
        user_id: person.user_id,
        group_id: id(message.get("group_id")),
        referral_source_id: id(referral.get("source_id")),
        ctwa_clid: id(referral.get("ctwa_clid")),
    });
    let click_id = message_id.unwrap_or_else(|| {
        let columns = &draft.columns;
        let parts = [
            &columns.common.phone_number_id,
            &columns.wa_id,
            &columns.user_id,
            &Some(columns.common.event_ts.to_string()),
            &Some(columns.kind.clone()),
            &columns.message_id,
            &columns.button_id,
            &columns.button_text,
        ];
        let parts = parts.map(|part| part.as_deref().unwrap_or_default());
        Found::made(hash(&parts), "hash of business number, person, time, kind, message and button")
    });
    flattening.note(&mut draft, "click_id", &click_id);
    draft.columns.click_id = click_id.value;
    flattening.push(draft);
}

fn inbound<'j>(
    flattening: &mut Flattening<'_>,
    around: &Surroundings<'j>,
    message: &'j Json<'j>,
    message_id: Found<'j, String>,
    time: &Found<'j, i64>,
) {
    let mut draft: Draft<Message> = flattening.draft(time, &around.scope);
    flattening.note(&mut draft, "message_id", &message_id);
    draft.columns.message_id = message_id.value;
    let places = [message.get("from"), message.get("from_user_id"), message.at(&["system", "wa_id"])];
    let person = around.contacts.person(flattening, &places);
    let referral = message.get("referral");
    // One of Meta's own samples misspells the reaction's member.
    let contexts = [
        message.at(&["context", "id"]),
        message.get("reaction").first(&["message_id", "messsage_id"]),
        message.at(&["edit", "original_message_id"]),
        message.at(&["revoke", "original_message_id"]),
    ];
    let context = contexts.into_iter().find(|node| !node.is_null());
    let error = message.get("errors").items().next();
    fill!(flattening, draft, {
        wa_id: person.wa_id,
        user_id: person.user_id,
        context_message_id: context.and_then(id),
        group_id: id(message.get("group_id")),
        referral_source_id: id(referral.get("source_id")),
        referral_source_type: id(referral.get("source_type")),
        ctwa_clid: id(referral.get("ctwa_clid")),
        unsupported_type: id(message.at(&["unsupported", "type"])),
        error_code: error.and_then(|error| integer(error.get("code"))),
    });
    if let Some(kind) = inbound_type(message) {
        flattening.note(&mut draft, "type", &kind);
        draft.columns.r#type = Some(kind.value);
    }
    flattening.push(draft);
}

/// The type of a message. Meta's location samples have none: then the member that holds the content tells.
fn inbound_type<'j>(message: &'j Json<'j>) -> FoundText<'j> {
    const TYPES: [&str; 10] =
        ["text", "image", "video", "audio", "document", "sticker", "location", "contacts", "reaction", "order"];
    id(message.get("type")).or_else(|| {
        let kind = TYPES.into_iter().find(|kind| !message.get(kind).is_null())?;
        Some(Found::read(kind.to_owned(), "name of", message.get(kind)))
    })
}

/// A click on a link of a marketing message. Meta says neither who clicked nor which message: only tokens.
pub(super) fn user_action<'j>(flattening: &mut Flattening<'_>, around: &Surroundings<'j>, action: &'j Json<'j>) {
    let named = action.get("action_type");
    let Some(action_type) = named.as_str() else {
        let parts = AccountEventParts::new("unplaced_user_action", action, Keep::Everything);
        return flattening.account_event(&around.scope, parts);
    };
    let time = instant(action.get("timestamp")).or(around.entry_time);
    let time = time.unwrap_or_else(|| flattening.receipt());
    let data = action.members().iter().find(|(key, _)| key.ends_with("_data")).map_or(&Json::Null, |(_, data)| data);
    let kind = if action_type.ends_with("link_click") { "link_click" } else { action_type };
    let kind = cut(kind, crate::bounds::MAX_ID_BYTES).to_owned();

    let mut draft: Draft<Click> = flattening.draft(&time, &around.scope);
    let choice = Choice::new(Found::read(kind, "from", named));
    Choice {
        button_id: id(data.get("product_id")),
        description: text(data.get("click_component")).map(|found| found.map(|text| text.to_lowercase())),
        ..choice
    }
    .fill(flattening, &mut draft);
    fill!(flattening, draft, {
        tracking_token: text(data.get("tracking_token")),
        link_click_id: text(data.get("click_id")),
    });
    let columns = &draft.columns;
    let parts = [
        columns.common.phone_number_id.as_deref().unwrap_or_default(),
        action_type,
        columns.tracking_token.as_deref().unwrap_or_default(),
        columns.link_click_id.as_deref().unwrap_or_default(),
        &columns.common.event_ts.to_string(),
    ];
    let click_id = Found::made(hash(&parts), "hash of business number, action, tokens and time");
    flattening.note(&mut draft, "click_id", &click_id);
    draft.columns.click_id = click_id.value;
    flattening.push(draft);
}
