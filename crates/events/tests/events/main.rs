//! Tests of the public interface, from bodies to records.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bodies;
mod explanations;
mod formatting;
mod golden;
mod lines;
#[path = "../support/mutation.rs"]
mod mutation;
mod neighbours;
mod privacy;
mod providers_doc;
mod pseudonyms;
mod signatures;
#[path = "../support/mod.rs"]
mod support;
mod tracking;
