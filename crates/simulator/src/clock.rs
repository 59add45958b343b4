//! Local days and times of the simulation's time zone, and the timestamp formats of the providers. Instants are
//! milliseconds since 1970, UTC.

use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Span, Timestamp, ToSpan};

use crate::error::SimulateError;

/// A second in milliseconds.
pub(crate) const SECOND: i64 = 1_000;
/// A minute in milliseconds.
pub(crate) const MINUTE: i64 = 60 * SECOND;
/// An hour in milliseconds.
pub(crate) const HOUR: i64 = 60 * MINUTE;
/// A day of 24 hours in milliseconds.
pub(crate) const DAY: i64 = 24 * HOUR;

/// Converts between instants and local time in one time zone.
#[derive(Clone, Debug)]
pub(crate) struct LocalClock(TimeZone);

impl LocalClock {
    /// Looks up an IANA time zone in the compiled-in database, so that the result does not depend on the machine.
    ///
    /// # Errors
    /// The database has no time zone of this name.
    pub(crate) fn new(name: &str) -> Result<Self, SimulateError> {
        let zone = TimeZoneDatabase::bundled().get(name);
        Ok(LocalClock(zone.map_err(|source| SimulateError::TimeZone { name: name.to_owned(), source })?))
    }

    /// The instant at which a local day begins.
    pub(crate) fn start_of(&self, day: Date) -> i64 {
        self.instant(day, 0)
    }

    /// The instant of a local time, given in seconds after midnight. When the clock goes forward, skipped times move
    /// forward by the same amount; when it goes back, repeated times mean the first occurrence.
    pub(crate) fn instant(&self, day: Date, seconds: i64) -> i64 {
        let local = day.to_datetime(jiff::civil::Time::midnight()).saturating_add(Span::new().seconds(seconds));
        self.0.to_ambiguous_zoned(local).compatible().map_or(0, |zoned| zoned.timestamp().as_millisecond())
    }

    /// Local date and time of an instant.
    pub(crate) fn local(&self, at: i64) -> DateTime {
        self.0.to_datetime(timestamp(at))
    }

    /// Local day of an instant.
    pub(crate) fn day(&self, at: i64) -> Date {
        self.local(at).date()
    }
}

/// The day `days` days after `day`.
pub(crate) fn later(day: Date, days: i64) -> Date {
    day.saturating_add(days.days())
}

/// ISO 8601 with milliseconds: `2026-10-01T10:30:00.250Z`.
pub(crate) fn iso_millis(at: i64) -> String {
    timestamp(at).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// ISO 8601 with seconds: `2026-10-01T10:30:00Z`.
pub(crate) fn iso_seconds(at: i64) -> String {
    timestamp(at).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// UTC without a zone, with microseconds: `2026-10-01T10:30:00.250007`. `separator` is put between date and time;
/// `micros` is added to the instant.
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
        assert_eq!(
            berlin.start_of(later(day, 1)) - berlin.start_of(day),
            25 * HOUR,
            "the day on which the clock goes back has 25 hours"
        );
        assert_eq!(iso_seconds(berlin.start_of(day)), "2026-10-24T22:00:00Z");
        assert_eq!(berlin.day(berlin.start_of(day) - 1), Date::constant(2026, 10, 24));
        assert!(LocalClock::new("Europe/Nowhere").is_err());
    }

    #[test]
    fn timestamp_formats() {
        assert_eq!(iso_millis(1_250), "1970-01-01T00:00:01.250Z");
        assert_eq!(naive_micros(1_250, ' ', 7), "1970-01-01 00:00:01.250007");
    }
}
