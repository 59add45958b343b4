//! Clock, randomness and sleep. Tests replace them so that a seed determines every interleaving.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::{BoxFuture, FutureExt};
use uuid::Uuid;

/// The clock, random source and timer that a lake uses.
pub trait Environment: Send + Sync + 'static {
    /// Milliseconds since 1970, UTC.
    fn now_ms(&self) -> i64;

    /// 128 random bits. File names use 74 of them, so two calls in any two processes must never return the same bits.
    fn random(&self) -> u128;

    /// Sleeps between two attempts at a conditional write.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// The operating system's clock and random source, and tokio's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEnvironment;

impl Environment for SystemEnvironment {
    fn now_ms(&self) -> i64 {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
    }

    fn random(&self) -> u128 {
        Uuid::new_v4().as_u128()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }
}

/// A version 7 UUID for the name of a part. Such names sort by creation time.
pub(crate) fn new_uuid(environment: &dyn Environment) -> Uuid {
    let millis = u64::try_from(environment.now_ms()).unwrap_or_default();
    let [a, b, c, d, e, f, g, h, i, j, ..] = environment.random().to_le_bytes();
    uuid::Builder::from_unix_timestamp_millis(millis, &[a, b, c, d, e, f, g, h, i, j]).into_uuid()
}

/// The timestamp of a version 7 UUID in milliseconds since 1970; `None` for other UUIDs.
pub(crate) fn uuid_time_ms(uuid: &Uuid) -> Option<i64> {
    let (seconds, nanos) = uuid.get_timestamp()?.to_unix();
    i64::try_from(seconds).ok()?.checked_mul(1000)?.checked_add(i64::from(nanos / 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_holds_its_time() {
        let before = SystemEnvironment.now_ms();
        let uuid = new_uuid(&SystemEnvironment);
        let time = uuid_time_ms(&uuid).unwrap();
        assert!(before <= time && time <= SystemEnvironment.now_ms());
        assert_ne!(uuid, new_uuid(&SystemEnvironment));
        assert_eq!(uuid_time_ms(&Uuid::new_v4()), None);
    }
}
