//! Output of the commands: results to standard output, errors and progress to standard error.

use std::error::Error;
use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

/// Result of a command: its exit code, or the error to report.
pub(crate) type CommandResult = Result<std::process::ExitCode, Box<dyn Error + Send + Sync>>;

/// Prints a line to standard output.
pub(crate) fn line(text: impl std::fmt::Display) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}

/// Prints a report as one JSON object, or as one line per field.
pub(crate) fn report(json: bool, value: &Value) -> io::Result<()> {
    match value {
        Value::Object(fields) if !json => {
            let width = fields.keys().map(String::len).max().unwrap_or_default();
            for (name, value) in fields {
                match value {
                    Value::String(text) => line(format_args!("{name:width$}  {text}"))?,
                    Value::Array(items) if items.is_empty() => {}
                    Value::Array(items) => {
                        line(name)?;
                        for item in items {
                            line(format_args!("  {}", item.as_str().map_or_else(|| item.to_string(), str::to_owned)))?;
                        }
                    }
                    other => line(format_args!("{name:width$}  {other}"))?,
                }
            }
            Ok(())
        }
        _ => line(value),
    }
}

/// Prints an error with its causes to standard error.
pub(crate) fn report_error(error: &dyn Error) {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    // If standard error is closed, the error cannot be reported anywhere.
    let _ = writeln!(io::stderr().lock(), "bluetick: {text}");
}

/// Whether the error is a closed pipe at standard output.
pub(crate) fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// A progress bar on standard error. Hidden if standard error is not a terminal. `label` names the counted items.
pub(crate) fn progress_bar(length: u64, label: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg} ({eta} left)")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style).with_message(label.to_owned())
}
