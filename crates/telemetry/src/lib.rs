//! Logs and metrics of the Lambda functions and the command-line tool.
//!
//! Log levels have a fixed meaning. ERROR: data is lost, or an operator must act. WARN: unexpected, but nothing is
//! lost. INFO: one line for each invocation. DEBUG and TRACE: for developers. No level prints a secret, a token or a
//! phone number.

pub mod emf;
pub mod logging;
