//! Woosh Bridge: Meta's bodies passed through, and statuses of its own in two shapes.

use crate::flattening::{Flattening, Scope};
use crate::found::{Found, id, text};
use crate::json::Json;
use crate::meta::{self, Choice, Contacts, Placement, Surroundings};
use crate::time::instant;

/// Flattens a body of Woosh; false if it is of no known shape.
pub(crate) fn flatten<'j>(flattening: &mut Flattening<'_>, body: &'j Json<'j>) -> bool {
    if meta::flatten(flattening, body) {
        return true;
    }
    // The newer shape puts the event into `data`, the older one is flat.
    let event = if body.get("data").is_object() { body.get("data") } else { body };
    let around = Surroundings {
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
        meta::placed_status(flattening, &around, event, placement);
    } else if is_message {
        meta::message(flattening, &around, event);
    } else if let Some(choice) = normalised_choice(body) {
        let time = around.entry_time.unwrap_or_else(|| flattening.receipt());
        meta::click(flattening, &around, body, choice, None, &time);
    } else {
        return false;
    }
    true
}

/// The object that Woosh's own router makes of a click: `{type, id, title, contextId}`, where `id` is the button's.
fn normalised_choice<'j>(body: &'j Json<'j>) -> Option<Choice<'j>> {
    let named = body.get("type");
    let kind = match named.as_str()? {
        "button" => "button_reply",
        "list" => "list_reply",
        _ => return None,
    };
    if body.get("title").is_null() {
        return None;
    }
    let choice = Choice::new(Found::read(kind.to_owned(), "from", named));
    Some(Choice { button_id: text(body.get("id")), button_text: text(body.get("title")), ..choice })
}
