//! The transform: raw objects to the lake. Behind SQS on Lambda, or driven by the command-line tool: the same code.

pub mod batch;
pub mod envelope;
pub mod lambda;
pub mod lines;
pub mod lookups;
pub mod notification;
pub mod raw;
mod rejects;
