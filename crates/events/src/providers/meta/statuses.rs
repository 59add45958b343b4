//! Meta's delivery statuses of business messages: sent, delivered, read and failed.

use std::borrow::Cow;

use super::context::EventContext;
use crate::extracted::{Extracted, ExtractedText, boolean, id, own_token};
use crate::flattening::{AccountEventParts, Draft, Flattening, fill};
use crate::json::Json;
use crate::payload::Keep;
use crate::person::{Identity, identity, pseudonym};
use crate::record::Status;
use crate::status_error::fill_error;
use crate::time::instant;

/// Adds one row for a status object, even if it lists several errors.
pub(super) fn status<'j>(flattening: &mut Flattening<'_>, context: &EventContext<'j>, status: &'j Json<'j>) {
    let placement =
        Placement { message_id: id(status.get("id")), time: instant(status.get("timestamp")), whole: status };
    placed_status(flattening, context, status, placement);
}

/// The required values of a status. Relays put them outside the status object.
pub(in crate::providers) struct Placement<'j> {
    pub(in crate::providers) message_id: ExtractedText<'j>,
    pub(in crate::providers) time: Option<Extracted<'j, i64>>,
    /// The content of the account event that is added if the id, the status or the time is missing.
    pub(in crate::providers) whole: &'j Json<'j>,
}

/// Adds a row for a status object. The caller passes its id and time.
pub(in crate::providers) fn placed_status<'j>(
    flattening: &mut Flattening<'_>,
    context: &EventContext<'j>,
    status: &'j Json<'j>,
    placement: Placement<'j>,
) {
    let kind = status.get("type").as_str();
    if kind == Some("call") {
        let time = instant(status.get("timestamp"));
        let parts = AccountEventParts { time, ..AccountEventParts::new("call_status", status, Keep::Everything) };
        return flattening.account_event(&context.scope, parts);
    }
    let placed = (placement.message_id, id(status.get("status")), placement.time);
    let (Some(message_id), Some(state), Some(time)) = placed else {
        let parts = AccountEventParts::new("unplaced_status", placement.whole, Keep::Everything);
        return flattening.account_event(&context.scope, parts);
    };
    let state = if kind == Some("payment") { state.map(|state| format!("payment_{state}").into()) } else { state };

    let mut draft: Draft<Status<'j>> = flattening.draft(&time, &context.scope);
    flattening.note(&mut draft, "message_id", &message_id);
    draft.columns.message_id = message_id.value;
    flattening.note(&mut draft, "status", &state);
    draft.columns.status = state.value;
    fill_recipient(flattening, &mut draft, context, status);

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
    draft: &mut Draft<Status<'j>>,
    context: &EventContext<'j>,
    status: &'j Json<'j>,
) {
    let recipient = status.first(&["recipient_id", "to"]);
    let member = status.first(&["recipient_participant_id", "participant_recipient_id"]);
    let member_user = status.get("recipient_participant_user_id");
    let to_group = status.get("recipient_type").as_str() == Some("group");
    if to_group || !member.is_null() || !member_user.is_null() {
        let person = context.contacts.person(flattening, &[member, member_user]);
        let participant = [member, member_user].into_iter().find_map(|node| {
            Some(match identity(node)? {
                Identity::Phone(digits) => Extracted::derived(pseudonym(flattening.options, digits), "digits of", node),
                Identity::User(user_id) => Extracted::copied(Cow::Borrowed(user_id), node),
            })
        });
        fill!(flattening, *draft, {
            group_id: id(recipient),
            participant: participant,
            wa_id: person.wa_id,
            user_id: person.user_id,
        });
    } else {
        let person = context.contacts.person(flattening, &[recipient, status.get("recipient_user_id")]);
        fill!(flattening, *draft, { wa_id: person.wa_id, user_id: person.user_id, });
    }
}
