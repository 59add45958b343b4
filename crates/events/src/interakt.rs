//! Interakt: statuses of API and campaign messages, clicks in six places, replies, flows, workflows.
//!
//! Interakt's ids are its own UUIDs, no wamids. Times are UTC without saying so.

mod clicks;
mod replies;

use crate::flattening::{AccountEventParts, Draft, Flattening, Scope, fill};
use crate::found::{Found, FoundText, id, integer, own_token, text};
use crate::json::Json;
use crate::payload::Keep;
use crate::person::{Person, phone_digits, pseudonym};
use crate::record::Status;
use crate::time::instant;

/// A body of Interakt, taken apart.
pub(crate) struct Notice<'j> {
    /// The provider's name of the event.
    kind: &'j str,
    body: &'j Json<'j>,
    data: &'j Json<'j>,
    message: &'j Json<'j>,
    /// When Interakt wrote the notice; it may be earlier than the event.
    time: Option<Found<'j, i64>>,
}

/// Flattens a body of Interakt; false if it has none of its marks.
pub(crate) fn flatten<'j>(flattening: &mut Flattening<'_>, body: &'j Json<'j>) -> bool {
    // Interakt's own sample of a click on a link has no envelope. Account updates are named by `field`.
    let data = if body.get("data").is_null() { body } else { body.get("data") };
    let message = data.get("message");
    let named = body.first(&["type", "field"]).as_str();
    let is_bare_click = named.is_none() && message.is_object() && body.get("event").is_object();
    let kind = match named {
        Some(kind) => kind,
        None if is_bare_click => "message_api_clicked",
        None => return false,
    };
    let notice = Notice { kind, body, data, message, time: instant(body.get("timestamp")) };
    let states = ["sent", "delivered", "read", "failed"];
    let last_word = kind.strip_prefix("message_").and_then(|rest| rest.rsplit('_').next()).unwrap_or_default();
    match kind {
        "message_received" | "message_api_flow_response" => replies::reply(flattening, &notice),
        "workflow_response_update" => replies::workflow(flattening, &notice),
        _ if last_word == "clicked" => clicks::clicked(flattening, &notice),
        _ => match states.into_iter().find(|state| *state == last_word) {
            Some(state) => status(flattening, &notice, state),
            None => other(flattening, &notice, kind, data),
        },
    }
    true
}

/// An account event of what is no event of a message, or cannot be placed.
fn other<'j>(flattening: &mut Flattening<'_>, notice: &Notice<'j>, kind: &str, content: &'j Json<'j>) {
    let parts = AccountEventParts::new(kind, content, Keep::Everything);
    let time = notice.time;
    flattening.account_event(&Scope::default(), AccountEventParts { time, ..parts });
}

/// A status: the event's name tells it. `message_status` does not: inbound messages, too, are "Sent" there.
fn status<'j>(flattening: &mut Flattening<'_>, notice: &Notice<'j>, state: &'static str) {
    let message = notice.message;
    let member = match state {
        "delivered" => "delivered_at_utc",
        "read" => "seen_at_utc",
        _ => "received_at_utc",
    };
    let time = instant(message.get(member)).or(notice.time);
    let (Some(message_id), Some(time)) = (id(message.get("id")), time) else {
        return other(flattening, notice, "unplaced_status", notice.body);
    };
    let mut draft: Draft<Status> = flattening.draft(&time, &Scope::default());
    flattening.note(&mut draft, "message_id", &message_id);
    draft.columns.message_id = message_id.value;
    let state = Found::read(state.to_owned(), "last word of", notice.body.first(&["type", "field"]));
    flattening.note(&mut draft, "status", &state);
    draft.columns.status = state.value;
    let person = notice.person(flattening);
    let code = message.get("channel_error_code");
    let code_number = integer(code);
    let code_text = if code_number.is_none() { text(code) } else { None };
    let template = flattening.nested(message.get("raw_template"));
    flattening.learn_nested_paths(message.get("raw_template"), &template);
    fill!(flattening, draft, {
        wa_id: person.wa_id,
        user_id: person.user_id,
        error_code: code_number,
        error_title: code_text,
        error_message: text(message.get("channel_failure_reason")),
        template_name: notice.template_name(&template),
        campaign_id: notice.campaign("campaign_id"),
        campaign_name: notice.campaign("campaign_name"),
        callback_data: notice.callback_data(),
    });
    flattening.push(draft);
}

impl<'j> Notice<'j> {
    /// The customer. The number is put together from its parts where Interakt leaves the whole out.
    fn person(&self, flattening: &Flattening<'_>) -> Person<'j> {
        let customer = self.data.get("customer");
        let person = Person::of(flattening.options, &[customer.get("channel_phone_number")]);
        if person.wa_id.is_some() || person.user_id.is_some() {
            return person;
        }
        let (number, country) = (customer.get("phone_number"), customer.get("country_code"));
        let digits = |node: &Json<'_>| id(node).and_then(|found| phone_digits(&found.value));
        let Some(national) = digits(number) else { return person };
        let wa_id = match digits(country) {
            // Samples show the whole number there, too.
            Some(code) if national.starts_with(&code) && national.len() > 10 => {
                Found::read(national, "digits of", number)
            }
            Some(code) => Found { value: code + &national, how: "digits of", nodes: [Some(country), Some(number)] },
            None if national.len() > 10 => Found::read(national, "digits of", number),
            // A national number of an unknown country is nobody's.
            None => return person,
        };
        Person { wa_id: Some(wa_id.map(|digits| pseudonym(flattening.options, digits))), user_id: None }
    }

    /// The template that a reply answers, as flows name it.
    fn source_template(&self) -> &'j Json<'j> {
        self.data.get("source_template_message")
    }

    fn template_name<'t>(&self, raw_template: &'t Json<'t>) -> FoundText<'t>
    where
        'j: 't,
    {
        let places =
            [raw_template.get("name"), self.source_template().get("template_name"), self.message.get("template_name")];
        places.into_iter().find_map(text)
    }

    fn campaign(&self, member: &str) -> FoundText<'j> {
        let places = [self.message, self.source_template(), self.data];
        places.into_iter().find_map(|place| text(place.get(member)))
    }

    /// What the business attached to its message. The one of the click's event wins.
    fn callback_data(&self) -> FoundText<'j> {
        let events = [self.body.get("event"), self.data.get("event")];
        let places = events.map(|event| event.first(&["callbackData", "callback_data"])).into_iter().chain([
            self.message.at(&["meta_data", "source_data", "callback_data"]),
            self.source_template().get("callback_data"),
            self.message.get("callback_data"),
        ]);
        places.into_iter().find_map(own_token)
    }
}
