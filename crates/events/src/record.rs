//! Records: an event flattened to one JSON line. The columns are those of the lake's tables, in their order: a test of the
//! command-line crate compares the two.

use std::fmt;

use chrono::DateTime;
use serde::ser::{Serialize, SerializeMap, Serializer};

/// One event: the table it belongs to, and its columns.
///
/// As JSON (`serde`, [`Record::write_line`]) it is an object: `table` first, then the columns that are not null.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// A person used an interactive element.
    Click(Box<Click>),
    /// A delivery status of a message that the business sent.
    Status(Box<Status>),
    /// A message that the customer's application reports as sent.
    Send(Box<Send>),
    /// An inbound message that is not a click.
    Message(Box<Message>),
    /// Any other event.
    AccountEvent(Box<AccountEvent>),
}

impl Record {
    /// The table it belongs to.
    pub fn table(&self) -> &'static str {
        match self {
            Record::Click(_) => "clicks",
            Record::Status(_) => "statuses",
            Record::Send(_) => "sends",
            Record::Message(_) => "messages",
            Record::AccountEvent(_) => "account_events",
        }
    }

    /// The columns that every record has.
    pub fn common(&self) -> &Common {
        match self {
            Record::Click(columns) => &columns.common,
            Record::Status(columns) => &columns.common,
            Record::Send(columns) => &columns.common,
            Record::Message(columns) => &columns.common,
            Record::AccountEvent(columns) => &columns.common,
        }
    }

    /// When it happened: milliseconds since 1970, UTC.
    pub fn event_ts(&self) -> i64 {
        self.common().event_ts
    }

    /// Appends the record as one line of NDJSON: `table`, the columns that are not null, a newline.
    pub fn write_line(&self, out: &mut Vec<u8>) {
        // Writing to memory cannot fail, and the keys are strings.
        let written = serde_json::to_writer(&mut *out, self);
        debug_assert!(written.is_ok());
        out.push(b'\n');
    }

    /// The record as a whole row: `table`, all columns in the order of the table with null for what is missing, and `dt`, the
    /// partition it belongs to (`YYYY-MM-DD`, the UTC date of `event_ts`). Serialise it, or print it as JSON.
    pub fn to_full_json(&self) -> FullJson<'_> {
        FullJson(self)
    }

    /// Approximate number of bytes of memory that the record takes.
    pub(crate) fn memory(&self) -> usize {
        // 16: the allocator's overhead for a small block.
        let mut bytes = size_of::<Self>() + 16;
        bytes += match self {
            Record::Click(_) => size_of::<Click>(),
            Record::Status(_) => size_of::<Status>(),
            Record::Send(_) => size_of::<Send>(),
            Record::Message(_) => size_of::<Message>(),
            Record::AccountEvent(_) => size_of::<AccountEvent>(),
        };
        self.visit(&mut |_, value| {
            bytes += match value {
                Value::Text(text) => text.len() + 16,
                Value::List(texts) => texts.iter().map(|text| text.len() + size_of::<String>() + 16).sum(),
                _ => 0,
            };
        });
        bytes
    }

    fn visit<'r>(&'r self, visit: &mut dyn FnMut(&'static str, Value<'r>)) {
        match self {
            Record::Click(columns) => columns.visit(visit),
            Record::Status(columns) => columns.visit(visit),
            Record::Send(columns) => columns.visit(visit),
            Record::Message(columns) => columns.visit(visit),
            Record::AccountEvent(columns) => columns.visit(visit),
        }
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("table", self.table())?;
        let mut result = Ok(());
        self.visit(&mut |name, value| {
            if result.is_ok() && !matches!(value, Value::Null) {
                result = map.serialize_entry(name, &value);
            }
        });
        result?;
        map.end()
    }
}

/// A record with all its columns, see [`Record::to_full_json`].
#[derive(Clone, Copy, Debug)]
pub struct FullJson<'r>(&'r Record);

impl Serialize for FullJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("table", self.0.table())?;
        let mut result = Ok(());
        self.0.visit(&mut |name, value| {
            if result.is_ok() {
                result = map.serialize_entry(name, &value);
            }
        });
        result?;
        let day = DateTime::from_timestamp_millis(self.0.event_ts()).map(|time| time.date_naive().to_string());
        map.serialize_entry("dt", &day)?;
        map.end()
    }
}

impl fmt::Display for FullJson<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// The value of a column.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[serde(untagged)]
enum Value<'r> {
    Null,
    Text(&'r str),
    Integer(i64),
    Boolean(bool),
    List(&'r [String]),
}

macro_rules! values {
    ($($type:ty => |$value:ident| $convert:expr,)*) => {
        $(impl<'r> From<&'r $type> for Value<'r> {
            fn from($value: &'r $type) -> Self {
                $convert
            }
        })*
    };
}

values! {
    i64 => |value| Value::Integer(*value),
    &'static str => |value| Value::Text(value),
    String => |value| Value::Text(value),
    Option<String> => |value| value.as_deref().map_or(Value::Null, Value::Text),
    Option<i64> => |value| value.map_or(Value::Null, Value::Integer),
    Option<bool> => |value| value.map_or(Value::Null, Value::Boolean),
    Option<Vec<String>> => |value| value.as_deref().map_or(Value::Null, Value::List),
}

/// The columns that every record has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Common {
    /// When it happened, by the provider's payload: milliseconds since 1970, UTC.
    pub event_ts: i64,
    /// Who told us: `meta`, `woosh`, `interakt`, `wasender`, `tracker`.
    pub provider: &'static str,
    /// WABA, tenant or hashed session.
    pub account_id: Option<String>,
    /// The business phone number's id at Meta.
    pub phone_number_id: Option<String>,
    /// When the webhook was received: milliseconds since 1970, UTC.
    pub received_at: i64,
}

impl Common {
    fn visit<'r>(&'r self, visit: &mut dyn FnMut(&'static str, Value<'r>)) {
        visit("event_ts", Value::from(&self.event_ts));
        visit("provider", Value::from(&self.provider));
        visit("account_id", Value::from(&self.account_id));
        visit("phone_number_id", Value::from(&self.phone_number_id));
        visit("received_at", Value::from(&self.received_at));
    }
}

macro_rules! columns {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            /// The columns that every record has.
            pub common: Common,
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl $name {
            fn visit<'r>(&'r self, visit: &mut dyn FnMut(&'static str, Value<'r>)) {
                self.common.visit(visit);
                $(visit(stringify!($field).trim_start_matches("r#"), Value::from(&self.$field));)*
            }
        }
    };
}

columns! {
    /// One interaction by a person. Key: `click_id` and the event time.
    Click {
        /// Wamid of the interaction, or a hash of the fields that identify it.
        click_id: String,
        /// The message that was clicked.
        message_id: Option<String>,
        /// Phone number of the person: digits only, or its keyed hash.
        wa_id: Option<String>,
        /// Business-scoped user id.
        user_id: Option<String>,
        /// `button_reply`, `list_reply`, `flow_reply`, `quick_reply`, `link_click`, `landing_page_view`,
        /// `call_permission_reply`, `payment_method`, …
        kind: String,
        /// Id or payload of the button or row.
        button_id: Option<String>,
        /// Its label.
        button_text: Option<String>,
        /// Description of a list row; component of a link click.
        description: Option<String>,
        /// Target of a link.
        url: Option<String>,
        /// Name of the flow reply: `flow`, `address_message`, …
        flow_name: Option<String>,
        /// Flow token that the business set.
        flow_token: Option<String>,
        /// The flow's answer, only if the operator opts in.
        response_json: Option<String>,
        /// Group in which it happened.
        group_id: Option<String>,
        /// Template, where the provider names it.
        template_name: Option<String>,
        /// Campaign, where the provider names it.
        campaign_id: Option<String>,
        /// Campaign's name, where the provider names it.
        campaign_name: Option<String>,
        /// What the business attached when it sent the message.
        callback_data: Option<String>,
        /// Id of the ad or post that led here.
        referral_source_id: Option<String>,
        /// Click id of a click-to-WhatsApp ad.
        ctwa_clid: Option<String>,
        /// The provider's own name of the event that told us.
        source: Option<String>,
        /// Token of a marketing message's link.
        tracking_token: Option<String>,
        /// Click id that Meta put on the opened link.
        link_click_id: Option<String>,
    }
}

columns! {
    /// One delivery status. Key: `message_id`, `status`, `participant` and the event time.
    Status {
        /// The message of the business.
        message_id: String,
        /// `sent`, `delivered`, `read`, `played`, `failed`, …; `payment_captured` and the like for payments.
        status: String,
        /// Phone number of the recipient: digits only, or its keyed hash.
        wa_id: Option<String>,
        /// Business-scoped user id of the recipient.
        user_id: Option<String>,
        /// Member of a group that this status is about.
        participant: Option<String>,
        /// Group to which the message went.
        group_id: Option<String>,
        /// Conversation.
        conversation_id: Option<String>,
        /// What opened the conversation.
        conversation_origin: Option<String>,
        /// When the conversation ends: milliseconds since 1970, UTC.
        conversation_expires_at: Option<i64>,
        /// Whether Meta charges for it.
        billable: Option<bool>,
        /// `PMP`, `CBP`, `NBP`.
        pricing_model: Option<String>,
        /// `regular`, `free_customer_service`, …
        pricing_type: Option<String>,
        /// `marketing`, `utility`, `authentication`, `service`, …
        pricing_category: Option<String>,
        /// Why it failed: Meta's code.
        error_code: Option<i64>,
        /// Title of the error.
        error_title: Option<String>,
        /// Message of the error.
        error_message: Option<String>,
        /// Details of the error.
        error_details: Option<String>,
        /// Template, where the provider names it.
        template_name: Option<String>,
        /// Campaign, where the provider names it.
        campaign_id: Option<String>,
        /// Campaign's name, where the provider names it.
        campaign_name: Option<String>,
        /// What the business attached when it sent the message.
        callback_data: Option<String>,
    }
}

columns! {
    /// One message that the application says it sent. Key: `message_id` within the day.
    Send {
        /// The message, as the provider answered when it was sent.
        message_id: String,
        /// Phone number of the recipient: digits only, or its keyed hash.
        wa_id: Option<String>,
        /// Template.
        template_name: Option<String>,
        /// `rsvp`, `travel`, `custom`; `standalone` by default.
        flow_type: Option<String>,
        /// `rsvp`, `travel`; `template` by default.
        message_type: Option<String>,
        /// True if the send belongs to no event.
        standalone: Option<bool>,
        /// Event of the application.
        event_id: Option<String>,
        /// Registration of the guest for the event.
        event_registration_id: Option<String>,
        /// Guest.
        guest_id: Option<String>,
        /// Guest's name; dropped where phone numbers are hashed.
        guest_name: Option<String>,
        /// Ticket of the application, for response times.
        ticket_id: Option<String>,
        /// Campaign.
        campaign_id: Option<String>,
        /// Ids of the buttons in the order shown.
        buttons: Option<Vec<String>>,
    }
}

columns! {
    /// One inbound message that is no click. Key: `message_id` and the event time. Its text is never kept.
    Message {
        /// The inbound message.
        message_id: String,
        /// Phone number of the person: digits only, or its keyed hash.
        wa_id: Option<String>,
        /// Business-scoped user id.
        user_id: Option<String>,
        /// `text`, `image`, `reaction`, `order`, …
        r#type: Option<String>,
        /// Message that it answers or reacts to.
        context_message_id: Option<String>,
        /// Group in which it was written.
        group_id: Option<String>,
        /// Id of the ad or post that led here.
        referral_source_id: Option<String>,
        /// `ad` or `post`.
        referral_source_type: Option<String>,
        /// Click id of a click-to-WhatsApp ad.
        ctwa_clid: Option<String>,
        /// What an unsupported message was: `button`, `interactive` or `list` means a lost click.
        unsupported_type: Option<String>,
        /// Why Meta could not pass the message on.
        error_code: Option<i64>,
    }
}

columns! {
    /// Anything else a provider tells. Key: `event_id` within the day.
    AccountEvent {
        /// Hash of provider, type and content (hexadecimal SHA-256).
        event_id: String,
        /// The provider's name of the event; `unreadable` for a body that could not be parsed.
        r#type: String,
        /// The event as JSON, without secrets.
        payload: Option<String>,
        /// Phone number of the person it is about, if any.
        wa_id: Option<String>,
        /// Business-scoped user id of the person it is about, if any.
        user_id: Option<String>,
        /// What an opt-out is about: `marketing_messages`.
        category: Option<String>,
        /// `stop` or `resume`.
        preference: Option<String>,
    }
}
