//! The CPU time of a thread, which is independent of other load on the machine.

use std::time::Duration;

/// CPU time used by this thread, from Linux's scheduler statistics, accurate to a few milliseconds. Zero on other
/// systems.
pub(crate) fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split_whitespace().next().and_then(|field| field.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_default())
}

/// Milliseconds per megabyte.
pub(crate) fn rate(duration: Duration, bytes: usize) -> f64 {
    duration.as_secs_f64() * 1e3 / (bytes as f64 / 1e6)
}
