//! The subscriber that prints log lines; installed once at start.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt;

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object per line, as Lambda's JSON log format requires.
    Json,
    /// Plain text for people.
    Text,
}

/// Selects the lines of this project's crates at `level` and above, and those of libraries at INFO and above: at TRACE
/// the Lambda runtime and the HTTP clients print whole bodies and headers.
pub fn filter(level: LevelFilter) -> Targets {
    let libraries = level.min(LevelFilter::INFO);
    Targets::new().with_default(libraries).with_target("bluetick", level)
}

/// The level and format set by the environment: `AWS_LAMBDA_LOG_LEVEL`, else `RUST_LOG`, else INFO; JSON if
/// `AWS_LAMBDA_LOG_FORMAT` is `JSON`, ignoring case
/// (docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html).
pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> (LevelFilter, Format) {
    let level = variable("AWS_LAMBDA_LOG_LEVEL")
        .or_else(|| variable("RUST_LOG"))
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(LevelFilter::INFO);
    let json = variable("AWS_LAMBDA_LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("json"));
    (level, if json { Format::Json } else { Format::Text })
}

/// Prints log lines to standard output at the level and in the format set by the environment. A second call has no
/// effect.
pub fn init() {
    let (level, format) = from_environment(|name| std::env::var(name).ok());
    init_with(level, format, std::io::stdout);
}

/// Prints log lines of `level` and above to `writer`. A second call has no effect.
pub fn init_with<W>(level: LevelFilter, format: Format, writer: W)
where
    W: for<'a> tracing_subscriber::fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = layer(format, writer);
    // An error means that a subscriber is already installed, for instance by a test.
    let _ = tracing_subscriber::registry().with(lines.with_filter(filter(level))).try_init();
}

/// Writes each event as one line in `format`.
fn layer<W>(format: Format, writer: W) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'a> tracing_subscriber::fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
    match format {
        // With `timestamp` in RFC 3339 and `level`: Lambda treats a line without either as INFO, whatever its level
        // (docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html).
        Format::Json => lines.json().flatten_event(true).boxed(),
        Format::Text => lines.boxed(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn json_lines_have_what_lambda_needs_to_know_their_level() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&lines);
        let layer = layer(Format::Json, move || Writer(Arc::clone(&written)));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || tracing::error!("broken"));
        let line: serde_json::Value = serde_json::from_slice(&lines.lock().unwrap()).unwrap();
        assert_eq!((&line["level"], &line["message"]), (&"ERROR".into(), &"broken".into()));
        let timestamp = line["timestamp"].as_str().unwrap();
        assert!(timestamp.ends_with('Z') && timestamp.as_bytes().get(10) == Some(&b'T'), "{timestamp} is not RFC 3339");
    }

    /// Collects the written bytes.
    struct Writer(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Writer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn libraries_never_trace() {
        let filter = filter(LevelFilter::TRACE);
        assert!(filter.would_enable("bluetick_ingest::router", &tracing::Level::TRACE));
        assert!(filter.would_enable("lambda_runtime", &tracing::Level::INFO));
        assert!(!filter.would_enable("lambda_runtime", &tracing::Level::TRACE));
        assert!(!filter.would_enable("aws_smithy_runtime", &tracing::Level::DEBUG));
    }

    #[test]
    fn environment_decides() {
        let environment = |name: &str| match name {
            "AWS_LAMBDA_LOG_LEVEL" => Some("WARN".to_owned()),
            "RUST_LOG" => Some("trace".to_owned()),
            "AWS_LAMBDA_LOG_FORMAT" => Some("JSON".to_owned()),
            _ => None,
        };
        assert_eq!(from_environment(environment), (LevelFilter::WARN, Format::Json));
        assert_eq!(from_environment(|_| None), (LevelFilter::INFO, Format::Text));
    }
}
