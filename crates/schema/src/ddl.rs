//! The `CREATE EXTERNAL TABLE` statements of `sql/ddl`, in Athena's dialect.

use std::fmt::Write;

use crate::storage::{PARTITION_COLUMN, PROJECTION, StoredTable};

/// The statement that creates a table in Athena. Before running it, replace `${database}`, `${lake}` (URL of the lake
/// without a trailing slash) and `${first_day}` (first day whose events the lake accepts, such as `2024-01-01`).
pub fn create_statement(table: &StoredTable) -> String {
    let mut text = format!("CREATE EXTERNAL TABLE IF NOT EXISTS ${{database}}.{} (\n", table.name);
    let width = table.columns.iter().map(|column| column.name.len()).max().unwrap_or_default();
    let columns = table
        .columns
        .iter()
        .map(|column| format!("  {:width$} {} COMMENT {}", column.name, column.kind.hive(), quoted(column.comment)));
    text.push_str(&columns.collect::<Vec<_>>().join(",\n"));
    let properties = PROJECTION.map(|(name, value)| format!("  {} = {}", quoted(name), quoted(value))).join(",\n");
    let format = table.format;
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "\n)\nCOMMENT {}\nPARTITIONED BY ({PARTITION_COLUMN} string COMMENT {})\nROW FORMAT SERDE {}\nSTORED AS INPUTFORMAT {}\n\
         OUTPUTFORMAT {}\nLOCATION '${{lake}}/{}'\nTBLPROPERTIES (\n{properties}\n)\n",
        quoted(table.comment),
        quoted(table.partition_comment),
        quoted(format.serde()),
        quoted(format.input_format()),
        quoted(format.output_format()),
        table.prefix,
    );
    text
}

/// A string literal of Hive's DDL.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
