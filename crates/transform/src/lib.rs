//! The transform: adds the records of raw objects (NDJSON, plain or gzip) to the lake. The raw objects stay as they
//! are. The Lambda function and the command-line tool run the same code.

pub mod batch;
pub mod envelope;
pub mod erasure_key;
pub mod lambda;
pub mod lines;
pub mod lookups;
pub mod notification;
pub mod raw;
mod rejects;
