//! `bluetick schema`: the tables, for those who make DDL from them.

use std::process::ExitCode;

use bluetick_lake::Table;
use serde_json::{Value, json};

use crate::output::{self, CommandResult};

/// Print the tables with their columns, types and keys
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    if arguments.json {
        output::line(Value::Array(Table::ALL.into_iter().map(describe).collect()))?;
        return Ok(ExitCode::SUCCESS);
    }
    for table in Table::ALL {
        output::line(format_args!("{table} (key: {})", table.key().join(", ")))?;
        for column in table.columns() {
            output::line(format_args!("  {:24} {:14} {}", column.name, column.kind.hive(), column.doc))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn describe(table: Table) -> Value {
    let columns: Vec<_> = table
        .columns()
        .map(|column| json!({"name": column.name, "type": column.kind.hive(), "doc": column.doc}))
        .collect();
    json!({"table": table.name(), "key": table.key(), "columns": columns})
}
