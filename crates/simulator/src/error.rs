//! Errors of a simulation.

use std::io;

/// Why a simulation failed.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The IANA time zone database has no such name.
    #[error("unknown time zone {name:?}: use an IANA name such as Europe/Berlin")]
    TimeZone {
        /// The requested name.
        name: String,
        /// The error of the time zone database.
        source: jiff::Error,
    },
    /// An option is out of range.
    #[error("{0}")]
    Options(&'static str),
    /// A request body could not be serialised as JSON.
    #[error("cannot serialise a request body")]
    Body(#[from] serde_json::Error),
    /// Writing requests or the truth failed.
    #[error("cannot write the simulation")]
    Output(#[from] io::Error),
}
