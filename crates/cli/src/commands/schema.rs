//! `bluetick schema`: the tables, their columns, and the statements that create them in Athena.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bluetick_schema::{Column, PARTITION_COLUMN, PROJECTION, StoredTable, create_statement};

use crate::output::{self, CommandResult};

/// Print the tables with their columns, types and keys
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Print JSON with all properties of each table
    #[arg(long, conflicts_with_all = ["ddl", "write"])]
    json: bool,
    /// Print the statements that create the tables in Athena
    #[arg(long, conflicts_with = "write")]
    ddl: bool,
    /// Write the JSON to DIRECTORY/schema.json and the statements to DIRECTORY/ddl
    #[arg(long, value_name = "DIRECTORY")]
    write: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    if let Some(directory) = &arguments.write {
        write_files(directory)?;
    } else if arguments.json {
        output::line(serde_json::to_string(&describe_all())?)?;
    } else if arguments.ddl {
        for table in StoredTable::all() {
            output::line(format_args!("{};\n", create_statement(&table).trim_end()))?;
        }
    } else {
        for table in StoredTable::all() {
            output::line(format_args!("{}: {} (key: {})", table.name, table.comment, table.key.join(", ")))?;
            for column in table.columns {
                output::line(format_args!("  {:24} {:14} {}", column.name, column.kind.hive(), column.comment))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the generated files of `sql/`.
fn write_files(directory: &Path) -> std::io::Result<()> {
    fs::create_dir_all(directory.join("ddl"))?;
    fs::write(directory.join("schema.json"), schema_file()?)?;
    for table in StoredTable::all() {
        let path = directory.join("ddl").join(table.name).with_extension("sql");
        fs::write(path, ddl_file(&table))?;
    }
    Ok(())
}

/// The statement with a generated header comment.
fn ddl_file(table: &StoredTable) -> String {
    format!(
        "-- Generated from crates/schema by `make generate`: do not edit.\n\
         -- {}.\n\
         -- Parameters: ${{database}}, ${{lake}} (URL of the lake, without a slash at the end), ${{first_day}} (first date of the\n\
         -- projection, as in 2024-01-01).\n{}",
        table.comment,
        create_statement(table)
    )
}

/// A table as JSON.
#[derive(serde::Serialize)]
struct TableDescription {
    table: &'static str,
    comment: &'static str,
    format: &'static str,
    location: String,
    serde: &'static str,
    input_format: &'static str,
    output_format: &'static str,
    partition: PartitionDescription,
    properties: BTreeMap<&'static str, &'static str>,
    key: &'static [&'static str],
    columns: Vec<ColumnDescription>,
}

#[derive(serde::Serialize)]
struct PartitionDescription {
    name: &'static str,
    r#type: &'static str,
    comment: &'static str,
}

#[derive(serde::Serialize)]
struct ColumnDescription {
    name: &'static str,
    r#type: &'static str,
    comment: &'static str,
    required: bool,
    key: bool,
    low_cardinality: bool,
    personal: bool,
}

impl TableDescription {
    fn of(table: &StoredTable) -> Self {
        Self {
            table: table.name,
            comment: table.comment,
            format: table.format.name(),
            location: format!("${{lake}}/{}", table.prefix),
            serde: table.format.serde(),
            input_format: table.format.input_format(),
            output_format: table.format.output_format(),
            partition: PartitionDescription {
                name: PARTITION_COLUMN,
                r#type: "string",
                comment: table.partition_comment,
            },
            properties: PROJECTION.into_iter().collect(),
            key: table.key,
            columns: table.columns.iter().map(|column| ColumnDescription::of(table, column)).collect(),
        }
    }
}

impl ColumnDescription {
    fn of(table: &StoredTable, column: &Column) -> Self {
        Self {
            name: column.name,
            r#type: column.kind.hive(),
            comment: column.comment,
            required: column.required,
            key: table.key.contains(&column.name),
            low_cardinality: column.low_cardinality,
            personal: column.personal,
        }
    }
}

fn describe_all() -> Vec<TableDescription> {
    StoredTable::all().map(|table| TableDescription::of(&table)).collect()
}

/// The JSON of `sql/schema.json` with one line per column, so that a diff shows which column changed.
fn schema_file() -> serde_json::Result<String> {
    let tables = describe_all().into_iter().map(|mut table| {
        let columns = std::mem::take(&mut table.columns);
        let columns = columns.iter().map(|column| Ok(format!("    {}", serde_json::to_string(column)?)));
        let columns = columns.collect::<serde_json::Result<Vec<_>>>()?.join(",\n");
        let text = serde_json::to_string_pretty(&table)?;
        Ok(text.replace("\"columns\": []", &format!("\"columns\": [\n{columns}\n  ]")))
    });
    Ok(format!("[\n{}\n]\n", tables.collect::<serde_json::Result<Vec<_>>>()?.join(",\n")))
}
