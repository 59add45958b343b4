//! The answer of a query as JSON, with columns and rows.

use serde_json::{Map, Value, json};

use crate::clock::iso_millis;

/// The answer of a query, or of one case of a query with parameters.
pub(super) struct Answer {
    name: &'static str,
    /// Name and parameters of the case, for queries with parameters.
    case: Option<(&'static str, Map<String, Value>)>,
    columns: Vec<&'static str>,
    rows: Vec<Vec<Value>>,
}

impl Answer {
    pub(super) fn new(name: &'static str, columns: Vec<&'static str>, rows: Vec<Vec<Value>>) -> Self {
        Answer { name, case: None, columns, rows }
    }

    /// Marks the answer as a case of its query, with the given parameters.
    pub(super) fn case(self, case: &'static str, parameters: &[(&str, String)]) -> Self {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        Answer { case: Some((case, parameters)), ..self }
    }

    /// Name (`query` or `query@case`) and JSON of the answer.
    pub(super) fn into_json(self) -> (String, Value) {
        let mut answer = json!({"columns": self.columns, "rows": self.rows});
        match self.case {
            None => (self.name.to_owned(), answer),
            Some((case, parameters)) => {
                if let Value::Object(fields) = &mut answer {
                    fields.insert("parameters".to_owned(), Value::Object(parameters));
                }
                (format!("{}@{case}", self.name), answer)
            }
        }
    }
}

/// Sort key that puts nulls last.
pub(super) fn nulls_last<T: Ord + Clone>(value: &Option<T>) -> (bool, Option<T>) {
    (value.is_none(), value.clone())
}

/// `part / whole`; null if `whole` is 0.
pub(super) fn rate(part: u64, whole: u64) -> Value {
    if whole == 0 { Value::Null } else { json!(part as f64 / whole as f64) }
}

/// An instant as ISO 8601 with milliseconds, or null.
pub(super) fn time(at: Option<i64>) -> Value {
    at.map_or(Value::Null, |at| json!(iso_millis(at)))
}

/// Milliseconds from one instant to another; `None` if one is unknown or `to` is before `from`.
pub(super) fn elapsed_ms(from: Option<i64>, to: Option<i64>) -> Option<i64> {
    from.zip(to).map(|(from, to)| to - from).filter(|&span| span >= 0)
}

/// Milliseconds as seconds, or null.
pub(super) fn span(millis: Option<i64>) -> Value {
    millis.map_or(Value::Null, |millis| json!(millis as f64 / 1_000.0))
}

/// The nearest-rank percentile: the value at `rank` (from 1) of the sorted values.
fn at_rank(sorted: &[i64], rank: usize) -> Value {
    span(rank.checked_sub(1).and_then(|index| sorted.get(index).copied()))
}

/// Median and 90th percentile.
pub(super) fn percentiles(mut spans: Vec<i64>) -> [Value; 2] {
    spans.sort_unstable();
    let count = spans.len();
    if count == 0 {
        return [Value::Null, Value::Null];
    }
    [at_rank(&spans, count.div_ceil(2)), at_rank(&spans, (9 * count).div_ceil(10))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occur() {
        let spans: Vec<i64> = (1..=10).map(|value| value * 1_000).rev().collect();
        assert_eq!(percentiles(spans), [json!(5.0), json!(9.0)]);
        assert_eq!(percentiles(vec![250]), [json!(0.25), json!(0.25)]);
        assert_eq!(percentiles(vec![1_000, 2_000, 3_000]), [json!(2.0), json!(3.0)]);
        assert_eq!(percentiles(Vec::new()), [Value::Null, Value::Null]);
    }

    #[test]
    fn rates_and_durations_without_a_value_are_null() {
        assert_eq!(rate(1, 0), Value::Null);
        assert_eq!(rate(1, 4), json!(0.25));
        assert_eq!(elapsed_ms(Some(5), Some(4)), None);
        assert_eq!(elapsed_ms(Some(5), None), None);
        assert_eq!(elapsed_ms(Some(5), Some(5)), Some(0));
    }

    #[test]
    fn nulls_come_last() {
        let mut values = vec![None, Some("b"), Some("a")];
        values.sort_by_key(nulls_last);
        assert_eq!(values, [Some("a"), Some("b"), None]);
    }
}
