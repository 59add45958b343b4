//! Local days and clock times of the simulation's time zone, and the spellings of instants that providers use.

use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Span, Timestamp, ToSpan};

use crate::SimulateError;

/// A second in milliseconds.
pub(crate) const SECOND: i64 = 1_000;
/// A minute in milliseconds.
pub(crate) const MINUTE: i64 = 60 * SECOND;
/// An hour in milliseconds.
pub(crate) const HOUR: i64 = 60 * MINUTE;
/// A day of 24 hours in milliseconds.
pub(crate) const DAY: i64 = 24 * HOUR;

/// The days of one time zone.
#[derive(Clone, Debug)]
pub(crate) struct LocalClock(TimeZone);

impl LocalClock {
    /// The clock of an IANA time zone, by the rules that are compiled in: no file of the machine changes the result.
    ///
    /// # Errors
    /// The name is no time zone's.
    pub(crate) fn new(name: &str) -> Result<Self, SimulateError> {
        let zone = TimeZoneDatabase::bundled().get(name);
        Ok(LocalClock(zone.map_err(|source| SimulateError::TimeZone { name: name.to_owned(), source })?))
    }

    /// The instant at which a local day begins, in milliseconds.
    pub(crate) fn start_of(&self, day: Date) -> i64 {
        self.instant(day, 0)
    }

    /// The instant at which the local clock shows so many seconds past midnight, in milliseconds. Times that a change of
    /// the clock skips are moved on; of times that it repeats, the first is meant.
    pub(crate) fn instant(&self, day: Date, seconds: i64) -> i64 {
        let local = day.to_datetime(jiff::civil::Time::midnight()).saturating_add(Span::new().seconds(seconds));
        self.0.to_ambiguous_zoned(local).compatible().map_or(0, |zoned| zoned.timestamp().as_millisecond())
    }

    /// What the local clock shows at an instant.
    pub(crate) fn local(&self, at: i64) -> DateTime {
        self.0.to_datetime(timestamp(at))
    }

    /// The local day of an instant.
    pub(crate) fn day(&self, at: i64) -> Date {
        self.local(at).date()
    }
}

/// The day so many days later.
pub(crate) fn later(day: Date, days: i64) -> Date {
    day.saturating_add(days.days())
}

/// An instant with the digits of a second that Meta's clocks lack: `2026-10-01T10:30:00.250Z`.
pub(crate) fn iso_millis(at: i64) -> String {
    timestamp(at).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// An instant to the second: `2026-10-01T10:30:00Z`.
pub(crate) fn iso_seconds(at: i64) -> String {
    timestamp(at).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// An instant in UTC with no zone and six digits behind the second; `separator` stands between date and time.
pub(crate) fn naive_micros(at: i64, separator: char, micros: i64) -> String {
    let instant = timestamp(at).saturating_add(Span::new().microseconds(micros)).unwrap_or_else(|_| timestamp(at));
    let text = instant.strftime("%Y-%m-%dT%H:%M:%S%.6f").to_string();
    if separator == 'T' { text } else { text.replacen('T', &separator.to_string(), 1) }
}

fn timestamp(at: i64) -> Timestamp {
    Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_days_follow_the_zone() {
        let berlin = LocalClock::new("Europe/Berlin").unwrap();
        let day = Date::constant(2026, 10, 25);
        assert_eq!(berlin.start_of(later(day, 1)) - berlin.start_of(day), 25 * HOUR, "the day the clock goes back");
        assert_eq!(iso_seconds(berlin.start_of(day)), "2026-10-24T22:00:00Z");
        assert_eq!(berlin.day(berlin.start_of(day) - 1), Date::constant(2026, 10, 24));
        assert!(LocalClock::new("Europe/Nowhere").is_err());
    }

    #[test]
    fn spellings() {
        assert_eq!(iso_millis(1_250), "1970-01-01T00:00:01.250Z");
        assert_eq!(naive_micros(1_250, ' ', 7), "1970-01-01 00:00:01.250007");
    }
}
