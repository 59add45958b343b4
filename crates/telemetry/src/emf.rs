//! Metrics in CloudWatch's embedded metric format: one JSON line on standard output, from which CloudWatch makes metrics
//! (docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).

use std::io::Write;
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

/// The namespace of our metrics where the variable `METRICS_NAMESPACE` names no other. A stack has one of its own: alarms of
/// two stacks in one region would otherwise hear of each other's troubles.
pub const DEFAULT_NAMESPACE: &str = "Bluetick";

fn namespace() -> &'static str {
    static NAMESPACE: OnceLock<String> = OnceLock::new();
    NAMESPACE.get_or_init(|| std::env::var("METRICS_NAMESPACE").unwrap_or_else(|_| DEFAULT_NAMESPACE.to_owned()))
}

/// The unit of a metric, by CloudWatch's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A time.
    Milliseconds,
    /// A size.
    Bytes,
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Unit::Count => "Count",
            Unit::Milliseconds => "Milliseconds",
            Unit::Bytes => "Bytes",
        }
    }
}

/// One line of metrics that share their dimensions.
///
/// Dimensions cost money for each combination of values, and personal data has no place in them: use few, like the
/// provider.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    dimensions: Vec<(&'static str, String)>,
    values: Vec<(&'static str, Unit, Value)>,
}

impl Metrics {
    /// No dimension, no value.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a dimension.
    #[must_use]
    pub fn dimension(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.dimensions.push((name, value.into()));
        self
    }

    /// Adds a count.
    #[must_use]
    pub fn count(self, name: &'static str, value: u64) -> Self {
        self.push(name, Unit::Count, value.into())
    }

    /// Adds a value.
    #[must_use]
    pub fn value(self, name: &'static str, unit: Unit, value: f64) -> Self {
        self.push(name, unit, value.into())
    }

    fn push(mut self, name: &'static str, unit: Unit, value: Value) -> Self {
        self.values.push((name, unit, value));
        self
    }

    /// The line, without its end. `timestamp` is in milliseconds since 1970, UTC.
    pub fn to_json(&self, timestamp: i64) -> Value {
        self.to_json_in(namespace(), timestamp)
    }

    fn to_json_in(&self, namespace: &str, timestamp: i64) -> Value {
        let names: Vec<_> = self.dimensions.iter().map(|(name, _)| *name).collect();
        let metrics: Vec<_> =
            self.values.iter().map(|(name, unit, _)| json!({"Name": name, "Unit": unit.name()})).collect();
        let mut line = Map::new();
        line.insert(
            "_aws".to_owned(),
            json!({
                "Timestamp": timestamp,
                "CloudWatchMetrics": [{"Namespace": namespace, "Dimensions": [names], "Metrics": metrics}],
            }),
        );
        // With Lambda's JSON logs a line that names no level counts as INFO and is dropped above it.
        line.insert("level".to_owned(), json!("INFO"));
        for (name, value) in &self.dimensions {
            line.insert((*name).to_owned(), json!(value));
        }
        for (name, _, value) in &self.values {
            line.insert((*name).to_owned(), value.clone());
        }
        Value::Object(line)
    }

    /// Writes the line to standard output. An error there leaves nobody to tell, so it is dropped.
    pub fn print(&self, timestamp: i64) {
        let _ = writeln!(std::io::stdout().lock(), "{}", self.to_json(timestamp));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_named_has_a_value() {
        let line =
            Metrics::new().dimension("Provider", "meta").count("Accepted", 3).value("Latency", Unit::Milliseconds, 1.5);
        let line = line.to_json_in("Bluetick/test", 1_700_000_000_000);
        assert_eq!(line["_aws"]["Timestamp"], 1_700_000_000_000_i64);
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Bluetick/test");
        assert_eq!(directive["Dimensions"], json!([["Provider"]]));
        for metric in directive["Metrics"].as_array().unwrap() {
            assert!(line[metric["Name"].as_str().unwrap()].is_number());
        }
        assert_eq!(line["Provider"], "meta");
        assert_eq!(line["Latency"], 1.5);
    }
}
