//! Logs and metrics of the functions and of the command-line tool.
//!
//! Log levels are a contract. ERROR: data is lost or an operator must act. WARN: unexpected, nothing lost. INFO: one line
//! an invocation. DEBUG and TRACE: for developers. No level prints a secret, a token or a phone number.

pub mod emf;
pub mod logging;
