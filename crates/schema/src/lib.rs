//! The tables of the lake and their columns, defined once.
//!
//! [`with_tables!`] in `definition.rs` lists every column: name, type, whether it may be null, comment, key, and the
//! properties that readers and writers need. Everything else is derived from that list:
//!
//! | what | where | how |
//! |---|---|---|
//! | [`Table`] and [`Column`] | this crate | a macro reads the list |
//! | records, as structs with a field for each column | `bluetick_events::record` | a macro reads the list |
//! | Arrow schemas; columns with dictionary, statistics or erasure search | `bluetick_lake` | from [`Table::columns`] |
//! | `sql/ddl/*.sql`, `sql/schema.json` | generated files | `make generate`; a test compares them |
//! | Glue tables | generated from `sql/schema.json` | `make generate`; a test compares them |
//!
//! The crate has no dependencies, so that the webhook parser does not need the lake's dependencies.

mod ddl;
mod definition;
mod storage;
mod table;

pub use ddl::create_statement;
pub use storage::{Format, PARTITION_COLUMN, PROJECTION, REJECTIONS, StoredTable};
pub use table::{Column, ColumnType, STATEMENT_HASH, Table, UnknownTable};

/// The column name of a struct field: the field's name without the `r#` that Rust requires for keywords.
#[doc(hidden)]
pub const fn column_name(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [b'r', b'#', ..] => field.split_at(2).1,
        _ => field,
    }
}
