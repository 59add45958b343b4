//! The tables: one definition of each, from which the Arrow schema, the DDL in `sql/ddl`, the Glue tables in `infra/`
//! and the reader of NDJSON records all follow.
//!
//! Columns are added, never renamed or retyped; all but the keys may be null. The partition column `dt` (the UTC date of
//! `event_ts`) is part of no file: it stands in the path.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

/// A table of the lake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// One row per interaction of a person.
    Clicks,
    /// One row per delivery status of a message.
    Statuses,
    /// One row per message that the application says it sent.
    Sends,
    /// One row per inbound message that is no click.
    Messages,
    /// One row per anything else that a provider tells.
    AccountEvents,
}

/// The type of a column, in the few kinds that every reader of the lake agrees on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// UTF-8 text.
    String,
    /// Milliseconds since 1970 in UTC; in NDJSON an integer.
    Timestamp,
    /// 64-bit signed integer.
    BigInt,
    /// True or false.
    Boolean,
    /// A list of UTF-8 texts.
    StringList,
}

/// A column: its name, type and what it holds.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Name in Parquet, SQL and NDJSON alike.
    pub name: &'static str,
    /// Its type.
    pub kind: ColumnType,
    /// What it holds, in one line; becomes the COMMENT of the DDL.
    pub doc: &'static str,
}

const fn column(name: &'static str, kind: ColumnType, doc: &'static str) -> Column {
    Column { name, kind, doc }
}

use ColumnType::{BigInt, Boolean, String as Text, StringList, Timestamp};

/// The columns that every table begins with.
const COMMON: [Column; 5] = [
    column("event_ts", Timestamp, "when it happened, by the provider's payload (UTC)"),
    column("provider", Text, "who told us: meta, woosh, interakt, wasender, tracker"),
    column("account_id", Text, "WABA id, tenant or hashed session"),
    column("phone_number_id", Text, "the business phone number's id at Meta"),
    column("received_at", Timestamp, "when the webhook was received (UTC)"),
];

const CLICKS: &[Column] = &[
    column("click_id", Text, "wamid of the interaction, or a hash of the fields that identify it"),
    column("message_id", Text, "the message that was clicked; null if the provider does not say"),
    column("wa_id", Text, "phone number of the person, digits only (or its keyed hash)"),
    column("user_id", Text, "business-scoped user id"),
    column("kind", Text, "button_reply, list_reply, flow_reply, quick_reply, link_click, …"),
    column("button_id", Text, "id or payload of the button or row"),
    column("button_text", Text, "its label"),
    column("description", Text, "description of a list row; component of a link click"),
    column("url", Text, "target of a link"),
    column("flow_name", Text, "name of the flow reply: flow, address_message, …"),
    column("flow_token", Text, "flow token that the business set"),
    column("response_json", Text, "the flow's answer, only if the operator opts in"),
    column("group_id", Text, "group in which it happened"),
    column("template_name", Text, "template, where the provider names it"),
    column("campaign_id", Text, "campaign, where the provider names it"),
    column("campaign_name", Text, "campaign's name, where the provider names it"),
    column("callback_data", Text, "what the business attached when it sent the message"),
    column("referral_source_id", Text, "id of the ad or post that led here"),
    column("ctwa_clid", Text, "click id of a click-to-WhatsApp ad"),
    column("source", Text, "the provider's own name of the event that told us"),
    column("tracking_token", Text, "token of a marketing message's link"),
    column("link_click_id", Text, "click id that Meta put on the opened link"),
];

const STATUSES: &[Column] = &[
    column("message_id", Text, "the message of the business"),
    column("status", Text, "sent, delivered, read, played, failed, deleted, …; payment_… for payments"),
    column("wa_id", Text, "phone number of the recipient, digits only (or its keyed hash)"),
    column("user_id", Text, "business-scoped user id of the recipient"),
    column("participant", Text, "member of a group that this status is about"),
    column("group_id", Text, "group to which the message went"),
    column("conversation_id", Text, "conversation"),
    column("conversation_origin", Text, "what opened the conversation"),
    column("conversation_expires_at", Timestamp, "when the conversation ends (UTC)"),
    column("billable", Boolean, "whether Meta charges for it"),
    column("pricing_model", Text, "PMP, CBP, NBP"),
    column("pricing_type", Text, "regular, free_customer_service, …"),
    column("pricing_category", Text, "marketing, utility, authentication, service, …"),
    column("error_code", BigInt, "why it failed: Meta's code"),
    column("error_title", Text, "title of the error"),
    column("error_message", Text, "message of the error"),
    column("error_details", Text, "details of the error"),
    column("template_name", Text, "template, where the provider names it"),
    column("campaign_id", Text, "campaign, where the provider names it"),
    column("campaign_name", Text, "campaign's name, where the provider names it"),
    column("callback_data", Text, "what the business attached when it sent the message"),
];

const SENDS: &[Column] = &[
    column("message_id", Text, "the message, as the provider answered when it was sent"),
    column("wa_id", Text, "phone number of the recipient, digits only (or its keyed hash)"),
    column("template_name", Text, "template"),
    column("flow_type", Text, "rsvp, travel, custom; standalone by default"),
    column("message_type", Text, "rsvp, travel; template by default"),
    column("standalone", Boolean, "true if the send belongs to no event"),
    column("event_id", Text, "event of the application"),
    column("event_registration_id", Text, "registration of the guest for the event"),
    column("guest_id", Text, "guest"),
    column("guest_name", Text, "guest's name; dropped where phone numbers are hashed"),
    column("ticket_id", Text, "ticket of the application, for response times"),
    column("campaign_id", Text, "campaign"),
    column("buttons", StringList, "ids of the buttons in the order shown"),
];

const MESSAGES: &[Column] = &[
    column("message_id", Text, "the inbound message"),
    column("wa_id", Text, "phone number of the person, digits only (or its keyed hash)"),
    column("user_id", Text, "business-scoped user id"),
    column("type", Text, "text, image, reaction, order, …"),
    column("context_message_id", Text, "message that it answers or reacts to"),
    column("group_id", Text, "group in which it was written"),
    column("referral_source_id", Text, "id of the ad or post that led here"),
    column("referral_source_type", Text, "ad or post"),
    column("ctwa_clid", Text, "click id of a click-to-WhatsApp ad"),
    column("unsupported_type", Text, "what an unsupported message was: button or list means a lost click"),
    column("error_code", BigInt, "why Meta could not pass the message on"),
];

const ACCOUNT_EVENTS: &[Column] = &[
    column("event_id", Text, "hash of provider, type and content"),
    column("type", Text, "the provider's name of the event; unreadable for a body that could not be parsed"),
    column("payload", Text, "the event as JSON, without secrets"),
    column("wa_id", Text, "phone number of the person it is about, if any"),
    column("user_id", Text, "business-scoped user id of the person it is about, if any"),
    column("category", Text, "what an opt-out is about: marketing_messages"),
    column("preference", Text, "stop or resume"),
];

static SCHEMAS: LazyLock<[SchemaRef; 5]> = LazyLock::new(|| Table::ALL.map(build_schema));

impl Table {
    /// Every table, in the order of their definition.
    pub const ALL: [Table; 5] = [Table::Clicks, Table::Statuses, Table::Sends, Table::Messages, Table::AccountEvents];

    /// Its name in paths, records and SQL.
    pub const fn name(self) -> &'static str {
        match self {
            Table::Clicks => "clicks",
            Table::Statuses => "statuses",
            Table::Sends => "sends",
            Table::Messages => "messages",
            Table::AccountEvents => "account_events",
        }
    }

    /// The columns behind the common ones.
    const fn own_columns(self) -> &'static [Column] {
        match self {
            Table::Clicks => CLICKS,
            Table::Statuses => STATUSES,
            Table::Sends => SENDS,
            Table::Messages => MESSAGES,
            Table::AccountEvents => ACCOUNT_EVENTS,
        }
    }

    /// All columns in the order of the files, the common ones first.
    pub fn columns(self) -> impl Iterator<Item = &'static Column> {
        COMMON.iter().chain(self.own_columns())
    }

    /// The columns that, together with the partition, say whether two rows are the same event.
    ///
    /// A send, and an account event, whose payload names no time is dated by its receipt; so the time is no part of their
    /// keys, and within a day the id alone decides.
    pub const fn key(self) -> &'static [&'static str] {
        match self {
            Table::Clicks => &["click_id", "event_ts"],
            Table::Statuses => &["message_id", "status", "event_ts", "participant"],
            Table::Sends => &["message_id"],
            Table::Messages => &["message_id", "event_ts"],
            Table::AccountEvents => &["event_id"],
        }
    }

    /// The columns that must not be null: a record without them cannot be placed.
    pub const fn required(self) -> &'static [&'static str] {
        match self {
            Table::Clicks => &["event_ts", "provider", "received_at", "click_id", "kind"],
            Table::Statuses => &["event_ts", "provider", "received_at", "message_id", "status"],
            Table::Sends | Table::Messages => &["event_ts", "provider", "received_at", "message_id"],
            Table::AccountEvents => &["event_ts", "provider", "received_at", "event_id"],
        }
    }

    /// The Arrow schema of its files.
    pub fn schema(self) -> SchemaRef {
        let [clicks, statuses, sends, messages, account_events] = &*SCHEMAS;
        Arc::clone(match self {
            Table::Clicks => clicks,
            Table::Statuses => statuses,
            Table::Sends => sends,
            Table::Messages => messages,
            Table::AccountEvents => account_events,
        })
    }
}

fn build_schema(table: Table) -> SchemaRef {
    let required = table.required();
    let fields =
        table.columns().map(|column| Field::new(column.name, column.kind.arrow(), !required.contains(&column.name)));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

impl ColumnType {
    /// The Arrow type.
    pub fn arrow(self) -> DataType {
        match self {
            Text => DataType::Utf8,
            Timestamp => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
            BigInt => DataType::Int64,
            Boolean => DataType::Boolean,
            StringList => DataType::List(Arc::new(Field::new("element", DataType::Utf8, true))),
        }
    }

    /// The type in Athena's DDL (Hive's names) and in Glue.
    pub const fn hive(self) -> &'static str {
        match self {
            Text => "string",
            Timestamp => "timestamp",
            BigInt => "bigint",
            Boolean => "boolean",
            StringList => "array<string>",
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no table's.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("no table is named {0:?}")]
pub struct UnknownTable(pub String);

impl FromStr for Table {
    type Err = UnknownTable;

    fn from_str(name: &str) -> Result<Self, UnknownTable> {
        Table::ALL.into_iter().find(|table| table.name() == name).ok_or_else(|| UnknownTable(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_required_columns_exist() {
        for table in Table::ALL {
            let names: Vec<_> = table.columns().map(|column| column.name).collect();
            for name in table.key().iter().chain(table.required()) {
                assert!(names.contains(name), "{table} has no column {name}");
            }
            let mut unique = names.clone();
            unique.sort_unstable();
            unique.dedup();
            assert_eq!(unique.len(), names.len(), "{table} names a column twice");
        }
    }
}
