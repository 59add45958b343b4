//! Tests of the transform with an in-memory lake.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

mod any_split;
mod pseudonyms;
mod rejected;
mod settings;
