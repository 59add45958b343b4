//! The setting `FIRST_DAY`: the first UTC day whose events the lake accepts.

use std::fmt;
use std::str::FromStr;

use chrono::{NaiveDate, NaiveTime};

/// 2009-01-01 UTC in milliseconds since 1970. WhatsApp was founded that year, so no event is older.
pub const EARLIEST_EVENT_MS: i64 = 1_230_768_000_000;

/// The first UTC day whose events are accepted; earlier events are rejected. The default is 2009-01-01.
///
/// Athena's partition projection must start on the same day; Athena would not see earlier rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstDay {
    start_ms: i64,
}

impl FirstDay {
    /// The first millisecond of the day (UTC), in milliseconds since 1970.
    pub const fn start_ms(self) -> i64 {
        self.start_ms
    }
}

impl Default for FirstDay {
    fn default() -> Self {
        Self { start_ms: EARLIEST_EVENT_MS }
    }
}

/// The text is not a valid [`FirstDay`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidFirstDay(String);

impl fmt::Display for InvalidFirstDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the first day is {:?}: give a date from 2009-01-01 on, such as 2024-01-01", self.0)
    }
}

impl std::error::Error for InvalidFirstDay {}

impl FromStr for FirstDay {
    type Err = InvalidFirstDay;

    fn from_str(text: &str) -> Result<Self, InvalidFirstDay> {
        let day = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok();
        let start = day.map(|day| day.and_time(NaiveTime::MIN).and_utc().timestamp_millis());
        let possible = start.filter(|start| *start >= EARLIEST_EVENT_MS);
        possible.map(|start_ms| Self { start_ms }).ok_or_else(|| InvalidFirstDay(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_and_others_refused() {
        assert_eq!("2024-01-01".parse::<FirstDay>().map(FirstDay::start_ms), Ok(1_704_067_200_000));
        assert_eq!("2009-01-01".parse(), Ok(FirstDay::default()));
        for text in ["", "2008-12-31", "2024-02-30", "2024", "2024-01-01T00:00:00Z", "yesterday"] {
            let error = text.parse::<FirstDay>().unwrap_err();
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }
}
