//! Metrics in CloudWatch's embedded metric format: one JSON line on standard output, from which CloudWatch makes
//! metrics
//! (docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).

use std::io::Write;
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

/// The namespace of the metrics if the variable `METRICS_NAMESPACE` is not set. Each stack sets its own, so that the
/// alarms of two stacks in one region do not react to each other's metrics.
pub const DEFAULT_NAMESPACE: &str = "Bluetick";

fn namespace() -> &'static str {
    static NAMESPACE: OnceLock<String> = OnceLock::new();
    NAMESPACE.get_or_init(|| std::env::var("METRICS_NAMESPACE").unwrap_or_else(|_| DEFAULT_NAMESPACE.to_owned()))
}

/// The unit of a metric, in CloudWatch's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of events or records.
    Count,
    /// A duration.
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

/// One line of metrics that share dimensions.
///
/// CloudWatch bills each combination of dimension values as a separate metric: use few dimensions, and no personal
/// data.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    dimensions: Vec<(&'static str, String)>,
    values: Vec<(&'static str, Unit, Value)>,
    total: Option<Total>,
}

/// A second dimension under which some of the line's metrics are reported again.
#[derive(Clone, Copy, Debug)]
struct Total {
    dimension: &'static str,
    value: &'static str,
    metrics: &'static [&'static str],
}

impl Metrics {
    /// An empty line without dimensions or values.
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

    /// Also reports `metrics` of this line under another dimension, as a sum over all values of the first one, for
    /// alarms. CloudWatch cannot sum over a dimension by itself.
    #[must_use]
    pub fn total(mut self, dimension: &'static str, value: &'static str, metrics: &'static [&'static str]) -> Self {
        self.total = Some(Total { dimension, value, metrics });
        self
    }

    fn push(mut self, name: &'static str, unit: Unit, value: Value) -> Self {
        self.values.push((name, unit, value));
        self
    }

    /// The line as JSON, without a newline. `timestamp` is in milliseconds since 1970, UTC.
    pub fn to_json(&self, timestamp: i64) -> Value {
        self.to_json_in(namespace(), timestamp)
    }

    fn to_json_in(&self, namespace: &str, timestamp: i64) -> Value {
        let names: Vec<_> = self.dimensions.iter().map(|(name, _)| *name).collect();
        let directive = |dimensions: &[&'static str], chosen: &dyn Fn(&str) -> bool| {
            let values = self.values.iter().filter(|(name, _, _)| chosen(name));
            let metrics: Vec<_> = values.map(|(name, unit, _)| json!({"Name": name, "Unit": unit.name()})).collect();
            json!({"Namespace": namespace, "Dimensions": [dimensions], "Metrics": metrics})
        };
        let mut directives = vec![directive(&names, &|_| true)];
        let mut line = Map::new();
        if let Some(total) = self.total {
            directives.push(directive(&[total.dimension], &|name| total.metrics.contains(&name)));
            line.insert(total.dimension.to_owned(), json!(total.value));
        }
        line.insert("_aws".to_owned(), json!({"Timestamp": timestamp, "CloudWatchMetrics": directives}));
        // Lambda's JSON log format treats a line without a level as INFO, and drops it at higher log levels.
        line.insert("level".to_owned(), json!("INFO"));
        for (name, value) in &self.dimensions {
            line.insert((*name).to_owned(), json!(value));
        }
        for (name, _, value) in &self.values {
            line.insert((*name).to_owned(), value.clone());
        }
        Value::Object(line)
    }

    /// Writes the line to standard output; an error is ignored, because there is no other place to report it.
    /// `timestamp` is in milliseconds since 1970, UTC.
    pub fn print(&self, timestamp: i64) {
        let _ = writeln!(std::io::stdout().lock(), "{}", self.to_json(timestamp));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_counts_chosen_metrics_under_a_second_dimension() {
        let line = Metrics::new()
            .dimension("Provider", "meta")
            .count("Accepted", 3)
            .count("Retried", 1)
            .total("Function", "ingest", &["Accepted"])
            .to_json_in("Bluetick/test", 1_700_000_000_000);
        let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        assert_eq!(directives[0]["Metrics"].as_array().unwrap().len(), 2);
        assert_eq!(
            directives[1],
            json!({"Namespace": "Bluetick/test", "Dimensions": [["Function"]], "Metrics": [{"Name": "Accepted", "Unit": "Count"}]})
        );
        assert_eq!((&line["Function"], &line["Accepted"]), (&json!("ingest"), &json!(3)));
    }

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
