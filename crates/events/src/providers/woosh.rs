//! Woosh Bridge: a relay that forwards Meta's bodies and sends its own statuses in two formats.

use super::meta::{self, Contacts, EventContext, Placement};
use crate::auth_scheme::{AuthScheme, Credential};
use crate::click::Choice;
use crate::definition::Definition;
use crate::extracted::{Text, id, text};
use crate::flattening::{Flattening, Scope};
use crate::json::Json;
use crate::time::instant;

/// Woosh signs webhooks if signing is enabled there, sends a token if one is configured, and otherwise sends no
/// credential. Its first specification used Meta's signature header.
pub(super) const DEFINITION: Definition = Definition {
    name: "woosh",
    auth: AuthScheme {
        token: Some(Credential { headers: &["Authorization", "X-Api-Key", "x-tenant-key"], setting: "WOOSH_TOKENS" }),
        unsigned_setting: Some("WOOSH_ALLOW_UNSIGNED"),
        ..AuthScheme::signature(&["X-Woosh-Signature", "X-Hub-Signature-256"], "WOOSH_SECRETS")
    },
    flatten,
    requests: &[],
};

/// Adds the records of a body. Returns `false` if it has no known shape.
fn flatten<'j>(flattening: &mut Flattening<'_>, body: &'j Json<'j>) -> bool {
    if meta::flatten(flattening, body) {
        return true;
    }
    // The newer format has the event in `data`; the older one is flat.
    let event = if body.get("data").is_object() { body.get("data") } else { body };
    let context = EventContext {
        scope: Scope { account_id: id(body.get("tenant_id")), phone_number_id: None },
        entry_time: instant(body.get("event_ts")),
        contacts: Contacts::default(),
        context_id: body.get("contextId"),
    };
    let kind = body.get("type").as_str();
    let is_status = match kind {
        Some(kind) => kind == "message.status",
        None => !event.get("status").is_null() && !body.get("wa_id").is_null(),
    };
    let is_message = event.get("interactive").is_object()
        || event.get("button").is_object()
        || !event.get("from").is_null() && !event.get("id").is_null();
    if is_status {
        let placement = Placement {
            message_id: id(event.get("id")).or_else(|| id(body.get("wa_id"))),
            time: instant(event.get("timestamp")).or_else(|| instant(body.get("event_ts"))),
            whole: body,
        };
        meta::placed_status(flattening, &context, event, placement);
    } else if is_message {
        meta::message(flattening, &context, event);
    } else if let Some(choice) = normalised_choice(body) {
        let time = context.entry_time.unwrap_or_else(|| flattening.receipt());
        meta::click(flattening, &context, body, choice, None, &time);
    } else {
        return false;
    }
    true
}

/// The choice in the object that Woosh's router creates for a click: `{type, id, title, contextId}`, where `id` is
/// the button's id.
fn normalised_choice<'j>(body: &'j Json<'j>) -> Option<Choice<'j>> {
    let stated = body.get("type");
    let kind = match stated.as_str()? {
        "button" => "button_reply",
        "list" => "list_reply",
        _ => return None,
    };
    if body.get("title").is_null() {
        return None;
    }
    let choice = Choice::new(Text::named(kind, "from", stated));
    Some(Choice { button_id: text(body.get("id")), button_text: text(body.get("title")), ..choice })
}
