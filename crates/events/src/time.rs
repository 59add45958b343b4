//! Parses providers' time formats to milliseconds since 1970, UTC.

use chrono::{DateTime, NaiveDateTime};

use crate::extracted::Extracted;
use crate::json::Json;

/// The smallest number that is read as milliseconds; as seconds it would be after the year 5000. Numbers from 1,000
/// times this value on are read as microseconds, from 1,000,000 times on as nanoseconds.
const FIRST_MILLISECONDS: u64 = 100_000_000_000;

/// Parses a time: seconds, milliseconds, microseconds or nanoseconds since 1970 as a number or string, or an ISO 8601
/// date and time with `T` or a space, with optional fraction and UTC offset. Without an offset it is UTC, as in
/// Interakt's webhooks.
pub(crate) fn instant<'j>(node: &'j Json<'j>) -> Option<Extracted<'j, i64>> {
    let value = match node {
        Json::Number(number) => match number.as_i64() {
            Some(count) => from_count(count)?,
            None => from_fraction(number.as_f64())?,
        },
        Json::String(text) => from_text(text.trim())?,
        _ => return None,
    };
    Some(Extracted::derived(value, "time at", node))
}

fn from_count(count: i64) -> Option<i64> {
    let size = count.unsigned_abs();
    if size < FIRST_MILLISECONDS {
        count.checked_mul(1000)
    } else if size < FIRST_MILLISECONDS * 1000 {
        Some(count)
    } else if size < FIRST_MILLISECONDS * 1_000_000 {
        Some(count.div_euclid(1000))
    } else {
        Some(count.div_euclid(1_000_000))
    }
}

fn from_fraction(count: f64) -> Option<i64> {
    if !count.is_finite() || count.abs() >= 9e18 {
        return None;
    }
    if count.abs() < FIRST_MILLISECONDS as f64 {
        Some((count * 1000.0).round() as i64)
    } else {
        from_count(count as i64)
    }
}

fn from_text(text: &str) -> Option<i64> {
    if let Ok(count) = text.parse::<i64>() {
        return from_count(count);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return from_fraction(text.parse().ok()?);
    }
    let text = text.strip_suffix(" UTC").unwrap_or(text);
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_millis());
    }
    let text = text.replacen(' ', "T", 1);
    let offset = ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z"];
    let naive = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
    let with_offset = offset.iter().find_map(|format| DateTime::parse_from_str(&text, format).ok());
    with_offset.map(|time| time.timestamp_millis()).or_else(|| {
        let time = naive.iter().find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok());
        time.map(|time| time.and_utc().timestamp_millis())
    })
}
