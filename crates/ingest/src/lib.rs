//! The ingest function: HTTP in, records to a sink. It answers once every record is safe, and runs nothing afterwards: on
//! Lambda whatever runs after the answer is lost.

pub mod batching;
pub mod clock;
pub mod deliver;
pub mod file_sink;
pub mod firehose;
pub mod keyring;
pub mod lambda;
pub mod router;
pub mod settings;
pub mod spill;
