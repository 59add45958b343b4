//! The ingest function: receives webhooks and writes lines to a sink. It answers once every line is stored. It does
//! no work after the answer, because Lambda does not execute such work reliably.

pub mod answer;
pub mod app;
pub mod archive;
pub mod batching;
pub mod clock;
pub mod deliver;
mod durable;
pub mod file_sink;
pub mod firehose;
pub mod keyring;
pub mod lambda;
pub mod lookup_routes;
pub mod raw_lines;
pub mod raw_object;
pub mod router;
pub mod settings;
pub mod spill;
