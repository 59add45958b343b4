//! The button, list row or flow that a person chose with a click. Parsers for JSON shapes that several providers
//! share.

use std::borrow::Cow;

use crate::extracted::{Extracted, ExtractedText, Text, id, own_token, text};
use crate::flattening::{Draft, Flattening, fill};
use crate::json::{Arena, Json};
use crate::limits::{MAX_ID_BYTES, MAX_RESPONSE_JSON_BYTES, truncate};
use crate::payload;
use crate::record::Click;

/// The columns of a click that describe the chosen button, row or flow.
pub(crate) struct Choice<'j> {
    pub(crate) kind: Text<'j>,
    pub(crate) button_id: ExtractedText<'j>,
    pub(crate) button_text: ExtractedText<'j>,
    pub(crate) description: ExtractedText<'j>,
    pub(crate) flow_name: ExtractedText<'j>,
    pub(crate) flow_token: ExtractedText<'j>,
    pub(crate) response_json: ExtractedText<'j>,
}

impl<'j> Choice<'j> {
    /// Creates a choice of this kind; all other columns are null.
    pub(crate) fn new(kind: Text<'j>) -> Self {
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

    /// Copies the choice to the columns of a click.
    pub(crate) fn fill(self, flattening: &Flattening<'_>, draft: &mut Draft<Click<'j>>) {
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

/// Parses the choice in an `interactive` object of Meta's shape. Without a `type`, the kind follows from the member
/// that is present.
pub(crate) fn interactive_choice<'j>(flattening: &mut Flattening<'_>, interactive: &'j Json<'j>) -> Option<Choice<'j>> {
    const KINDS: [&str; 5] = ["button_reply", "list_reply", "nfm_reply", "call_permission_reply", "payment_method"];
    let stated = interactive.get("type");
    let kind = stated.as_str().or_else(|| KINDS.into_iter().find(|kind| interactive.get(kind).is_object()))?;
    let node = if stated.is_null() { interactive } else { stated };
    let reply = interactive.get(kind);
    let choice = Choice::new(Extracted::copied(Cow::Borrowed(truncate(kind, MAX_ID_BYTES)), node));
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

/// Parses the response to a flow. `response_json` is a JSON string, in relayed webhooks also an object, with
/// arbitrary content.
pub(crate) fn flow_choice<'j>(flattening: &mut Flattening<'_>, reply: &'j Json<'j>, node: &'j Json<'j>) -> Choice<'j> {
    let response = reply.first(&["response_json", "paramsJson"]);
    let arena = Arena::default();
    let nested = flattening.nested(&arena, response);
    let answer = if nested.is_null() { response } else { &nested };
    let flow_token = own_token(answer.get("flow_token"));
    let flow_token =
        flow_token.map(|token| Extracted::derived(Cow::Owned(token.value.into_owned()), "flow_token in", response));
    let is_kept = flattening.options.keep_response_json && !response.is_null();
    let response_json = is_kept.then(|| match response {
        Json::String(json) => Extracted::copied(Cow::Borrowed(truncate(json, MAX_RESPONSE_JSON_BYTES)), response),
        other => {
            let json = payload::write_whole(other);
            Extracted::derived(Cow::Owned(truncate(&json, MAX_RESPONSE_JSON_BYTES).to_owned()), "JSON of", response)
        }
    });
    Choice {
        button_text: text(reply.get("body")),
        flow_name: id(reply.get("name")),
        flow_token,
        response_json,
        ..Choice::new(Text::named("flow_reply", "a flow's reply:", node))
    }
}
