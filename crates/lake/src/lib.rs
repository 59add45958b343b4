//! The lake: tables, parts, merge, commit, sweep, erase. All I/O goes through `object_store`.

pub mod tables;

pub use tables::{Column, ColumnType, Table};
