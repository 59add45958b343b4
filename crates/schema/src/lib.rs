//! The tables of the lake and their columns, defined once.
//!
//! [`with_tables!`] in `definition.rs` lists every column: name, type, whether it may be null, comment, key, and what
//! readers and writers must know of it. Everything else follows from that list:
//!
//! | what | where | how |
//! |---|---|---|
//! | [`Table`] and [`Column`] | this crate | a macro reads the list |
//! | records, as structs with a field for each column | `bluetick_events::record` | a macro reads the list |
//! | Arrow schemas; columns with dictionary, statistics or erasure search | `bluetick_lake` | from [`Table::columns`] |
//! | `sql/ddl/*.sql`, `sql/schema.json` | generated files | `make generate`; a test compares them |
//! | Glue tables | generated from `sql/schema.json` | `make generate`; a test compares them |
//!
//! The crate has no dependencies, so that the parser of webhooks does not need those of the lake.

mod ddl;
mod definition;
mod storage;
mod table;

pub use ddl::create_statement;
pub use storage::{Format, PARTITION_COLUMN, PROJECTION, REJECTIONS, StoredTable};
pub use table::{Column, ColumnType, STATEMENT_HASH, Table, UnknownTable};

/// The name of a struct field as the column is called: without the `r#` that Rust needs in front of its own keywords.
#[doc(hidden)]
pub const fn column_name(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [b'r', b'#', ..] => field.split_at(2).1,
        _ => field,
    }
}
