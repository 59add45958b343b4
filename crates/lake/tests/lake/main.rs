//! Tests of the lake on failing stores. They are one binary, because each binary links the Parquet and Arrow
//! libraries again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    missing_docs
)]

mod any_order;
mod commit;
mod crash_matrix;
mod damage;
mod ended_days;
mod erase;
mod lost_manifest;
mod model;
mod refused_writes;
mod relocate;
mod restore;
mod schema;
mod stale_writer;
mod support;
