//! The system clock. Only programs pass it on; the router takes a function, so that tests can choose the time.

/// The time of the system clock: milliseconds since 1970, UTC.
pub fn system_time() -> i64 {
    chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()).timestamp_millis()
}
