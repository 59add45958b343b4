//! Converts rows of the lake to facts.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMillisecondType};
use bluetick_lake::Table;
use bluetick_lookups::Fact;

/// The columns that a [`Fact`] is built from.
pub(super) const COLUMNS: [&str; 25] = [
    "event_ts",
    "received_at",
    "updated_at",
    "provider",
    "message_id",
    "context_message_id",
    "status",
    "kind",
    "source",
    "click_id",
    "button_text",
    "type",
    "wa_id",
    "user_id",
    "group_id",
    "error_code",
    "error_title",
    "error_message",
    "template_name",
    "message_type",
    "standalone",
    "event_id",
    "event_registration_id",
    "guest_id",
    "guest_name",
];

/// The rows of a batch as facts. A missing column is treated as unknown.
pub(super) fn facts(table: Table, batch: &RecordBatch) -> Vec<Fact> {
    let text = |name: &str, row: usize| -> Option<String> {
        let column = batch.column_by_name(name)?.as_string_opt::<i32>()?;
        column.is_valid(row).then(|| column.value(row).to_owned())
    };
    let time = |name: &str, row: usize| -> Option<i64> {
        let column = batch.column_by_name(name)?.as_primitive_opt::<TimestampMillisecondType>()?;
        column.is_valid(row).then(|| column.value(row))
    };
    let integer = |name: &str, row: usize| -> Option<i64> {
        let column = batch.column_by_name(name)?.as_primitive_opt::<Int64Type>()?;
        column.is_valid(row).then(|| column.value(row))
    };
    let truth = |name: &str, row: usize| -> Option<bool> {
        let column = batch.column_by_name(name)?.as_boolean_opt()?;
        column.is_valid(row).then(|| column.value(row))
    };
    let fact = |row| Fact {
        table: table.name().to_owned(),
        event_ts: time("event_ts", row).unwrap_or_default(),
        received_at: time("received_at", row).unwrap_or_default(),
        provider: text("provider", row),
        updated_at: time("updated_at", row),
        message_id: text("message_id", row),
        context_message_id: text("context_message_id", row),
        status: text("status", row),
        kind: text("kind", row),
        source: text("source", row),
        r#type: text("type", row),
        wa_id: text("wa_id", row),
        user_id: text("user_id", row),
        click_id: text("click_id", row),
        button_text: text("button_text", row),
        group_id: text("group_id", row),
        error_code: integer("error_code", row),
        error_title: text("error_title", row),
        error_message: text("error_message", row),
        template_name: text("template_name", row),
        message_type: text("message_type", row),
        standalone: truth("standalone", row),
        event_id: text("event_id", row),
        event_registration_id: text("event_registration_id", row),
        guest_id: text("guest_id", row),
        guest_name: text("guest_name", row),
    };
    (0..batch.num_rows()).map(fact).collect()
}
