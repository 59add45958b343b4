//! Clicks as the libraries below WASender write them: Baileys' names, and whatsmeow's spelling of the same.
//!
//! The members are looked up where they belong, never by a search: `contextInfo.quotedMessage` repeats the menu that was
//! answered, titles and all.

use crate::bounds::{MAX_ID_BYTES, cut};
use crate::flattening::Flattening;
use crate::found::{Found, FoundText, id, text};
use crate::json::Json;
use crate::meta::{Choice, flow_choice};

/// Takes a message out of the wrappers that WhatsApp puts around it.
pub(super) fn unwrap<'j>(mut message: &'j Json<'j>) -> &'j Json<'j> {
    const WRAPPERS: [&str; 7] = [
        "ephemeralMessage",
        "viewOnceMessage",
        "viewOnceMessageV2",
        "viewOnceMessageV2Extension",
        "documentWithCaptionMessage",
        "deviceSentMessage",
        "botInvokeMessage",
    ];
    // Wrappers nest two or three deep; the bound is for bodies that are made to.
    for _ in 0..8 {
        let inner = message.first(&WRAPPERS).get("message");
        if inner.is_null() {
            break;
        }
        message = inner;
    }
    message
}

/// The choice that a message is, and the member that tells it.
pub(super) fn choice<'j>(flattening: &mut Flattening<'_>, message: &'j Json<'j>) -> Option<(Choice<'j>, &'j Json<'j>)> {
    let named = |kind: &str, reply| Choice::new(Found::read(kind.to_owned(), "from", reply));
    let reply = message.get("buttonsResponseMessage");
    if reply.is_object() {
        let choice = Choice {
            button_id: text(reply.first(&["selectedButtonId", "selectedButtonID"])),
            button_text: display_text(reply),
            ..named("button_reply", reply)
        };
        return Some((choice, reply));
    }
    let reply = message.get("listResponseMessage");
    if reply.is_object() {
        let choice = Choice {
            button_id: text(reply.get("singleSelectReply").first(&["selectedRowId", "selectedRowID"])),
            button_text: text(reply.get("title")),
            description: text(reply.get("description")),
            ..named("list_reply", reply)
        };
        return Some((choice, reply));
    }
    let reply = message.get("templateButtonReplyMessage");
    if reply.is_object() {
        let choice = Choice {
            button_id: text(reply.first(&["selectedId", "selectedID"])),
            button_text: display_text(reply),
            ..named("quick_reply", reply)
        };
        return Some((choice, reply));
    }
    let reply = message.get("interactiveResponseMessage");
    reply.is_object().then(|| (native_flow_choice(flattening, reply), reply))
}

/// An answer to a native flow: its name says of what kind, `paramsJson` what was chosen.
fn native_flow_choice<'j>(flattening: &mut Flattening<'_>, reply: &'j Json<'j>) -> Choice<'j> {
    let flow = reply.get("nativeFlowResponseMessage");
    let shown = text(reply.at(&["body", "text"]));
    let name = flow.get("name");
    let kind = match name.as_str() {
        Some("galaxy_message" | "flow" | "address_message") => {
            return Choice { button_text: shown, ..flow_choice(flattening, flow, name) };
        }
        Some("menu_options" | "single_select") => Found::read("list_reply".to_owned(), "from", name),
        Some(other) => Found::copied(cut(other, MAX_ID_BYTES).to_owned(), name),
        None => Found::read("interactive_response".to_owned(), "from", reply),
    };
    let params = flow.first(&["paramsJson", "paramsJSON"]);
    let nested = flattening.nested(params);
    let told = |names: &[&str]| {
        let found = text(nested.first(names))?;
        Some(Found::read(found.value, "read of the JSON in", params))
    };
    Choice {
        button_id: told(&["id"]),
        button_text: shown.or_else(|| told(&["display_text", "title"])),
        description: told(&["description"]),
        ..Choice::new(kind)
    }
}

fn display_text<'j>(reply: &'j Json<'j>) -> FoundText<'j> {
    text(reply.get("selectedDisplayText")).or_else(|| text(reply.at(&["Response", "SelectedDisplayText"])))
}

/// The message that was answered.
pub(super) fn original<'j>(reply: &'j Json<'j>) -> FoundText<'j> {
    id(reply.first(&["contextInfo", "ContextInfo"]).first(&["stanzaId", "stanzaID", "StanzaID"]))
}

/// The type of a message by the name of its content, and that content.
pub(super) fn message_type<'j>(message: &'j Json<'j>) -> (FoundText<'j>, &'j Json<'j>) {
    const AROUND: [&str; 2] = ["messageContextInfo", "senderKeyDistributionMessage"];
    let content = message.members().iter().find(|(name, value)| !AROUND.contains(&name.as_ref()) && !value.is_null());
    let Some((name, value)) = content else { return (None, &Json::Null) };
    let kind = match name.as_ref() {
        "conversation" | "extendedTextMessage" => "text",
        other => other.strip_suffix("Message").unwrap_or(other),
    };
    let kind = cut(kind, MAX_ID_BYTES).to_owned();
    (Some(Found::read(kind, "name of", value)), value)
}
