//! The system clock. Programs pass it to the router as a function; tests pass a fixed time instead.

/// The time of the system clock: milliseconds since 1970, UTC.
pub fn system_time() -> i64 {
    chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()).timestamp_millis()
}
