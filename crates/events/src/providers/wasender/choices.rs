//! Clicks in the formats of WASender's libraries: Baileys, and whatsmeow with another spelling of the same names.
//!
//! Members are looked up at their exact path instead of being searched for, because `contextInfo.quotedMessage`
//! repeats the answered menu, including its titles.

use crate::click::{Choice, flow_choice};
use crate::extracted::{Extracted, ExtractedText, Text, id, text};
use crate::flattening::Flattening;
use crate::json::{Arena, Json};
use crate::limits::{MAX_ID_BYTES, truncate};

/// Removes the wrappers that WhatsApp puts around a message.
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
    // Wrappers are nested two or three levels deep. The limit protects against hostile bodies.
    for _ in 0..8 {
        let inner = message.first(&WRAPPERS).get("message");
        if inner.is_null() {
            break;
        }
        message = inner;
    }
    message
}

/// The choice in a message, and the member that contains it.
pub(super) fn choice<'j>(flattening: &mut Flattening<'_>, message: &'j Json<'j>) -> Option<(Choice<'j>, &'j Json<'j>)> {
    let of_kind = |kind: &'static str, reply| Choice::new(Text::named(kind, "from", reply));
    let reply = message.get("buttonsResponseMessage");
    if reply.is_object() {
        let choice = Choice {
            button_id: text(reply.first(&["selectedButtonId", "selectedButtonID"])),
            button_text: display_text(reply),
            ..of_kind("button_reply", reply)
        };
        return Some((choice, reply));
    }
    let reply = message.get("listResponseMessage");
    if reply.is_object() {
        let choice = Choice {
            button_id: text(reply.get("singleSelectReply").first(&["selectedRowId", "selectedRowID"])),
            button_text: text(reply.get("title")),
            description: text(reply.get("description")),
            ..of_kind("list_reply", reply)
        };
        return Some((choice, reply));
    }
    let reply = message.get("templateButtonReplyMessage");
    if reply.is_object() {
        let choice = Choice {
            button_id: text(reply.first(&["selectedId", "selectedID"])),
            button_text: display_text(reply),
            ..of_kind("quick_reply", reply)
        };
        return Some((choice, reply));
    }
    let reply = message.get("interactiveResponseMessage");
    reply.is_object().then(|| (native_flow_choice(flattening, reply), reply))
}

/// The choice in a response to a native flow. Its name determines the kind, and `paramsJson` contains the chosen
/// item.
fn native_flow_choice<'j>(flattening: &mut Flattening<'_>, reply: &'j Json<'j>) -> Choice<'j> {
    let flow = reply.get("nativeFlowResponseMessage");
    let shown = text(reply.at(&["body", "text"]));
    let name = flow.get("name");
    let kind = match name.as_str() {
        Some("galaxy_message" | "flow" | "address_message") => {
            return Choice { button_text: shown, ..flow_choice(flattening, flow, name) };
        }
        Some("menu_options" | "single_select") => Text::named("list_reply", "from", name),
        Some(other) => Extracted::copied(truncate(other, MAX_ID_BYTES).into(), name),
        None => Text::named("interactive_response", "from", reply),
    };
    let params = flow.first(&["paramsJson", "paramsJSON"]);
    let arena = Arena::default();
    let nested = flattening.nested(&arena, params);
    let param = |names: &[&str]| {
        let value = text(nested.first(names))?;
        Some(Extracted::derived(value.value.into_owned().into(), "read of the JSON in", params))
    };
    Choice {
        button_id: param(&["id"]),
        button_text: shown.or_else(|| param(&["display_text", "title"])),
        description: param(&["description"]),
        ..Choice::new(kind)
    }
}

/// The label of the chosen button.
fn display_text<'j>(reply: &'j Json<'j>) -> ExtractedText<'j> {
    text(reply.get("selectedDisplayText")).or_else(|| text(reply.at(&["Response", "SelectedDisplayText"])))
}

/// The id of the answered message.
pub(super) fn original<'j>(reply: &'j Json<'j>) -> ExtractedText<'j> {
    id(reply.first(&["contextInfo", "ContextInfo"]).first(&["stanzaId", "stanzaID", "StanzaID"]))
}

/// The type of a message, which is the name of the member with its content, and that member.
pub(super) fn message_type<'j>(message: &'j Json<'j>) -> (ExtractedText<'j>, &'j Json<'j>) {
    const AROUND: [&str; 2] = ["messageContextInfo", "senderKeyDistributionMessage"];
    let content = message.members().iter().find(|(name, value)| !AROUND.contains(name) && !value.is_null());
    let Some((name, value)) = content else { return (None, &Json::Null) };
    let kind = match *name {
        "conversation" | "extendedTextMessage" => "text",
        other => other.strip_suffix("Message").unwrap_or(other),
    };
    let kind = truncate(kind, MAX_ID_BYTES).into();
    (Some(Extracted::derived(kind, "name of", value)), value)
}
