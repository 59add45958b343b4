//! A simulated environment for the lake: a store with injected faults, a clock that only the test advances, and an
//! executor that runs one step of one task at a time. One seed determines everything.

#![allow(dead_code, unreachable_pub, reason = "each test uses its part")]

pub mod rows;
pub mod store;

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bluetick_lake::{Environment, Invariant};
use futures::FutureExt;
use futures::future::BoxFuture;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// Yields once, so that the executor may run a step of another task.
pub async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(move |context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A violated invariant and the evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub invariant: Invariant,
    pub detail: String,
}

pub trait Break {
    fn broken<T>(self, detail: impl Into<String>) -> Result<T, Broken>;
}

impl Break for Invariant {
    fn broken<T>(self, detail: impl Into<String>) -> Result<T, Broken> {
        Err(Broken { invariant: self, detail: detail.into() })
    }
}

/// A clock that only the test advances, and random bits from a seed.
pub struct Virtual {
    now_ms: AtomicI64,
    random: Mutex<ChaCha8Rng>,
}

impl Virtual {
    pub fn new(now_ms: i64, seed: u64) -> Arc<Self> {
        let random = Mutex::new(ChaCha8Rng::seed_from_u64(seed));
        Arc::new(Self { now_ms: AtomicI64::new(now_ms), random })
    }

    pub fn advance(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Environment for Virtual {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    fn random(&self) -> u128 {
        self.random.lock().unwrap().random()
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        yield_now().boxed()
    }
}

/// Runs one step of a task. Returns its output if it has ended.
pub fn step<T>(task: &mut Pin<Box<dyn Future<Output = T> + '_>>) -> Option<T> {
    match task.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Runs a task to its end.
pub fn finish<T>(task: impl Future<Output = T>) -> T {
    let mut task: Pin<Box<dyn Future<Output = T> + '_>> = Box::pin(task);
    loop {
        if let Some(output) = step(&mut task) {
            return output;
        }
    }
}
