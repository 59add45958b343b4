//! Tests of the transform over a lake in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

mod any_split;
mod pseudonyms;
mod rejected;
mod settings;
