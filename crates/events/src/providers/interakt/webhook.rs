//! The parts that all Interakt webhooks have in common.

use std::borrow::Cow;

use crate::extracted::{Extracted, ExtractedText, id, own_token, text};
use crate::flattening::{AccountEventParts, Flattening, Scope};
use crate::json::Json;
use crate::payload::Keep;
use crate::person::{Person, phone_digits, pseudonym};

/// A webhook body of Interakt.
pub(super) struct Webhook<'j> {
    /// The provider's name for the event.
    pub(super) kind: &'j str,
    pub(super) body: &'j Json<'j>,
    /// The member `data`, or the body itself if there is none.
    pub(super) data: &'j Json<'j>,
    pub(super) message: &'j Json<'j>,
    /// When Interakt created the webhook. This may be earlier than the event.
    pub(super) time: Option<Extracted<'j, i64>>,
}

impl<'j> Webhook<'j> {
    /// The customer. If Interakt omits the complete phone number, it is composed of country code and national number.
    pub(super) fn person(&self, flattening: &Flattening<'_>) -> Person<'j> {
        let customer = self.data.get("customer");
        let person = Person::of(flattening.options, &[customer.get("channel_phone_number")]);
        if person.wa_id.is_some() || person.user_id.is_some() {
            return person;
        }
        let (number, country) = (customer.get("phone_number"), customer.get("country_code"));
        let digits = |node: &Json<'_>| id(node).and_then(|text| phone_digits(&text.value).map(Cow::into_owned));
        let Some(national) = digits(number) else { return person };
        let wa_id = match digits(country) {
            // In Interakt's samples this member sometimes contains the complete number.
            Some(code) if national.starts_with(&code) && national.len() > 10 => {
                Extracted::derived(national.into(), "digits of", number)
            }
            Some(code) => {
                Extracted { value: (code + &national).into(), how: "digits of", nodes: [Some(country), Some(number)] }
            }
            None if national.len() > 10 => Extracted::derived(national.into(), "digits of", number),
            // Without a country code, the number does not identify a person.
            None => return person,
        };
        Person { wa_id: Some(wa_id.map(|digits| pseudonym(flattening.options, digits))), user_id: None }
    }

    /// The template message that a flow response refers to.
    pub(super) fn source_template(&self) -> &'j Json<'j> {
        self.data.get("source_template_message")
    }

    /// The name of the template. `raw_template` is the parsed member of that name, or null.
    pub(super) fn template_name<'t>(&self, raw_template: &'t Json<'t>) -> ExtractedText<'t>
    where
        'j: 't,
    {
        let places =
            [raw_template.get("name"), self.source_template().get("template_name"), self.message.get("template_name")];
        places.into_iter().find_map(text)
    }

    /// A member that describes the campaign: `campaign_id` or `campaign_name`.
    pub(super) fn campaign(&self, member: &str) -> ExtractedText<'j> {
        let places = [self.message, self.source_template(), self.data];
        places.into_iter().find_map(|place| text(place.get(member)))
    }

    /// The callback data that the business attached to its message. Callback data of the click event takes
    /// precedence.
    pub(super) fn callback_data(&self) -> ExtractedText<'j> {
        let events = [self.body.get("event"), self.data.get("event")];
        let places = events.map(|event| event.first(&["callbackData", "callback_data"])).into_iter().chain([
            self.message.at(&["meta_data", "source_data", "callback_data"]),
            self.source_template().get("callback_data"),
            self.message.get("callback_data"),
        ]);
        places.into_iter().find_map(own_token)
    }
}

/// Adds an account event, for events that concern no message or lack required values.
pub(super) fn account_event<'j>(
    flattening: &mut Flattening<'_>,
    webhook: &Webhook<'j>,
    kind: &str,
    content: &'j Json<'j>,
) {
    let parts = AccountEventParts::new(kind, content, Keep::Everything);
    let time = webhook.time;
    flattening.account_event(&Scope::default(), AccountEventParts { time, ..parts });
}
