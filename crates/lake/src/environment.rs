//! Clock, randomness and sleep. Tests replace them, so that a seed decides every interleaving.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::{BoxFuture, FutureExt};
use uuid::Uuid;

/// Clock, randomness and sleep of a lake.
pub trait Environment: Send + Sync + 'static {
    /// Milliseconds since 1970, UTC.
    fn now_ms(&self) -> i64;

    /// 128 random bits. File names take 74 of them, so two writers must never get the same.
    fn random(&self) -> u128;

    /// Waits between two attempts at a conditional write.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// The machine's clock and randomness, and tokio's timer.
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

/// A version 7 UUID for the name of a part: names sort by time of creation.
pub(crate) fn new_uuid(environment: &dyn Environment) -> Uuid {
    let millis = u64::try_from(environment.now_ms()).unwrap_or_default();
    let [a, b, c, d, e, f, g, h, i, j, ..] = environment.random().to_le_bytes();
    uuid::Builder::from_unix_timestamp_millis(millis, &[a, b, c, d, e, f, g, h, i, j]).into_uuid()
}

/// The time inside a version 7 UUID, in milliseconds since 1970; `None` for other UUIDs.
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
