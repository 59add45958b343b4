//! Meta's inbound messages: clicks on buttons, lists and links, and all other messages.

use std::borrow::Cow;

use super::context::EventContext;
use crate::click::{Choice, interactive_choice};
use crate::digest::hash;
use crate::extracted::{Extracted, ExtractedText, Text, id, integer, text};
use crate::flattening::{AccountEventParts, Draft, Flattening, fill};
use crate::json::Json;
use crate::limits::{MAX_ID_BYTES, truncate};
use crate::payload::Keep;
use crate::record::{Click, Message};
use crate::time::instant;

/// Adds a click or an inbound message. A message that is not a click and lacks an id or a time becomes an account
/// event.
pub(in crate::providers) fn message<'j>(
    flattening: &mut Flattening<'_>,
    context: &EventContext<'j>,
    message: &'j Json<'j>,
) {
    let message_id = id(message.get("id"));
    let time = instant(message.get("timestamp")).or(context.entry_time);
    match (choice(flattening, message), message_id, time) {
        (Some(choice), message_id, time) => {
            let time = time.unwrap_or_else(|| flattening.receipt());
            click(flattening, context, message, choice, message_id, &time);
        }
        (None, Some(message_id), Some(time)) => inbound(flattening, context, message, message_id, &time),
        _ => {
            let parts = AccountEventParts::new("unplaced_message", message, Keep::Metadata);
            flattening.account_event(&context.scope, parts);
        }
    }
}

/// The choice in a message; `None` if the message is not a click.
fn choice<'j>(flattening: &mut Flattening<'_>, message: &'j Json<'j>) -> Option<Choice<'j>> {
    let button = message.get("button");
    match message.get("type").as_str() {
        Some("button") | None if button.is_object() => {
            let choice = Choice::new(Text::named("quick_reply", "a template's quick reply:", button));
            Some(Choice { button_id: text(button.get("payload")), button_text: text(button.get("text")), ..choice })
        }
        Some("interactive") | None => interactive_choice(flattening, message.get("interactive")),
        _ => None,
    }
}

/// Adds a click. If it has no id of its own, its id is a hash of the columns that identify it.
pub(in crate::providers) fn click<'j>(
    flattening: &mut Flattening<'_>,
    context: &EventContext<'j>,
    message: &'j Json<'j>,
    choice: Choice<'j>,
    message_id: ExtractedText<'j>,
    time: &Extracted<'j, i64>,
) {
    let mut draft: Draft<Click<'j>> = flattening.draft(time, &context.scope);
    let person = context.contacts.person(flattening, &[message.get("from"), message.get("from_user_id")]);
    let referral = message.get("referral");
    let clicked = message.at(&["context", "id"]);
    let clicked = if clicked.is_null() { message.get("contextId") } else { clicked };
    let clicked = if clicked.is_null() { context.context_id } else { clicked };
    choice.fill(flattening, &mut draft);
    fill!(flattening, draft, {
        message_id: id(clicked),
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
            &Some(columns.common.event_ts.to_string().into()),
            &Some(columns.kind.clone()),
            &columns.message_id,
            &columns.button_id,
            &columns.button_text,
        ];
        let parts = parts.map(|part| part.as_deref().unwrap_or_default());
        Extracted::computed(hash(&parts).into(), "hash of business number, person, time, kind, message and button")
    });
    flattening.note(&mut draft, "click_id", &click_id);
    draft.columns.click_id = click_id.value;
    flattening.push(draft);
}

fn inbound<'j>(
    flattening: &mut Flattening<'_>,
    context: &EventContext<'j>,
    message: &'j Json<'j>,
    message_id: Text<'j>,
    time: &Extracted<'j, i64>,
) {
    let mut draft: Draft<Message<'j>> = flattening.draft(time, &context.scope);
    flattening.note(&mut draft, "message_id", &message_id);
    draft.columns.message_id = message_id.value;
    let places = [message.get("from"), message.get("from_user_id"), message.at(&["system", "wa_id"])];
    let person = context.contacts.person(flattening, &places);
    let referral = message.get("referral");
    // One of Meta's samples misspells `message_id`.
    let places = [
        message.at(&["context", "id"]),
        message.get("reaction").first(&["message_id", "messsage_id"]),
        message.at(&["edit", "original_message_id"]),
        message.at(&["revoke", "original_message_id"]),
    ];
    let answered = places.into_iter().find(|node| !node.is_null());
    let error = message.get("errors").items().next();
    fill!(flattening, draft, {
        wa_id: person.wa_id,
        user_id: person.user_id,
        context_message_id: answered.and_then(id),
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

/// The type of a message. Meta's samples of locations have none; then it is the name of the member with the content.
fn inbound_type<'j>(message: &'j Json<'j>) -> ExtractedText<'j> {
    const TYPES: [&str; 10] =
        ["text", "image", "video", "audio", "document", "sticker", "location", "contacts", "reaction", "order"];
    id(message.get("type")).or_else(|| {
        let kind = TYPES.into_iter().find(|kind| !message.get(kind).is_null())?;
        Some(Text::named(kind, "name of", message.get(kind)))
    })
}

/// Adds a click on a link in a marketing message. Meta reports neither person nor message, only tokens.
pub(super) fn user_action<'j>(flattening: &mut Flattening<'_>, context: &EventContext<'j>, action: &'j Json<'j>) {
    let stated = action.get("action_type");
    let Some(action_type) = stated.as_str() else {
        let parts = AccountEventParts::new("unplaced_user_action", action, Keep::Everything);
        return flattening.account_event(&context.scope, parts);
    };
    let time = instant(action.get("timestamp")).or(context.entry_time);
    let time = time.unwrap_or_else(|| flattening.receipt());
    let data = action.members().iter().find(|(key, _)| key.ends_with("_data")).map_or(&Json::Null, |(_, data)| data);
    let kind = if action_type.ends_with("link_click") { "link_click" } else { action_type };
    let kind = Cow::Borrowed(truncate(kind, MAX_ID_BYTES));

    let mut draft: Draft<Click<'j>> = flattening.draft(&time, &context.scope);
    let choice = Choice::new(Extracted::derived(kind, "from", stated));
    Choice {
        button_id: id(data.get("product_id")),
        description: text(data.get("click_component"))
            .map(|component| component.map(|text| text.to_lowercase().into())),
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
    let click_id = Extracted::computed(hash(&parts).into(), "hash of business number, action, tokens and time");
    flattening.note(&mut draft, "click_id", &click_id);
    draft.columns.click_id = click_id.value;
    flattening.push(draft);
}
