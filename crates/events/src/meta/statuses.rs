//! Meta's statuses: what became of the messages of a business.

use super::Surroundings;
use crate::flattening::{AccountEventParts, Draft, Flattening, fill};
use crate::found::{Found, FoundText, boolean, id, integer, own_token, text};
use crate::json::Json;
use crate::payload::Keep;
use crate::person::{Identity, identity, pseudonym};
use crate::record::Status;
use crate::time::instant;

/// One status object is one row, however many errors it lists.
pub(super) fn status<'j>(flattening: &mut Flattening<'_>, around: &Surroundings<'j>, status: &'j Json<'j>) {
    let placement =
        Placement { message_id: id(status.get("id")), time: instant(status.get("timestamp")), whole: status };
    placed_status(flattening, around, status, placement);
}

/// What places a status; relays say it outside of the status object.
pub(crate) struct Placement<'j> {
    pub(crate) message_id: FoundText<'j>,
    pub(crate) time: Option<Found<'j, i64>>,
    /// What to keep if the status cannot be placed.
    pub(crate) whole: &'j Json<'j>,
}

/// As [`status`], for a status object whose place is told apart.
pub(crate) fn placed_status<'j>(
    flattening: &mut Flattening<'_>,
    around: &Surroundings<'j>,
    status: &'j Json<'j>,
    placement: Placement<'j>,
) {
    let kind = status.get("type").as_str();
    if kind == Some("call") {
        let time = instant(status.get("timestamp"));
        let parts = AccountEventParts { time, ..AccountEventParts::new("call_status", status, Keep::Everything) };
        return flattening.account_event(&around.scope, parts);
    }
    let placed = (placement.message_id, id(status.get("status")), placement.time);
    let (Some(message_id), Some(state), Some(time)) = placed else {
        let parts = AccountEventParts::new("unplaced_status", placement.whole, Keep::Everything);
        return flattening.account_event(&around.scope, parts);
    };
    let state = if kind == Some("payment") { state.map(|state| format!("payment_{state}")) } else { state };

    let mut draft: Draft<Status> = flattening.draft(&time, &around.scope);
    flattening.note(&mut draft, "message_id", &message_id);
    draft.columns.message_id = message_id.value;
    flattening.note(&mut draft, "status", &state);
    draft.columns.status = state.value;
    fill_recipient(flattening, &mut draft, around, status);

    let conversation = status.get("conversation");
    let pricing = status.get("pricing");
    fill!(flattening, draft, {
        conversation_id: id(conversation.get("id")),
        conversation_origin: id(conversation.at(&["origin", "type"])),
        conversation_expires_at: instant(conversation.get("expiration_timestamp")),
        billable: boolean(pricing.get("billable")),
        pricing_model: id(pricing.get("pricing_model")),
        pricing_type: id(pricing.get("type")),
        pricing_category: id(pricing.get("category")),
        callback_data: own_token(status.get("biz_opaque_callback_data")),
    });
    if let Some(error) = status.first(&["errors", "error"]).items().next() {
        fill_error(flattening, &mut draft, error);
    }
    flattening.push(draft);
}

fn fill_recipient<'j>(
    flattening: &Flattening<'_>,
    draft: &mut Draft<Status>,
    around: &Surroundings<'j>,
    status: &'j Json<'j>,
) {
    let recipient = status.first(&["recipient_id", "to"]);
    let member = status.first(&["recipient_participant_id", "participant_recipient_id"]);
    let member_user = status.get("recipient_participant_user_id");
    let to_group = status.get("recipient_type").as_str() == Some("group");
    if to_group || !member.is_null() || !member_user.is_null() {
        let person = around.contacts.person(flattening, &[member, member_user]);
        let participant = [member, member_user].into_iter().find_map(|node| {
            Some(match identity(node)? {
                Identity::Phone(digits) => Found::read(pseudonym(flattening.options, digits), "digits of", node),
                Identity::User(user_id) => Found::copied(user_id, node),
            })
        });
        fill!(flattening, *draft, {
            group_id: id(recipient),
            participant: participant,
            wa_id: person.wa_id,
            user_id: person.user_id,
        });
    } else {
        let person = around.contacts.person(flattening, &[recipient, status.get("recipient_user_id")]);
        fill!(flattening, *draft, { wa_id: person.wa_id, user_id: person.user_id, });
    }
}

/// The columns of an error: Meta's shape, and that of relays, which write codes as strings, details beside them, or only a text.
pub(crate) fn fill_error<'j>(flattening: &Flattening<'_>, draft: &mut Draft<Status>, error: &'j Json<'j>) {
    let details = error.at(&["error_data", "details"]);
    let details = if details.is_null() { error.get("details") } else { details };
    fill!(flattening, *draft, {
        error_code: integer(error.get("code")),
        error_title: text(error.get("title")),
        error_message: text(error.get("message")).or_else(|| text(error)),
        error_details: text(details),
    });
}
