//! Fuzzing with one target per provider. Bodies are mutations of the fixtures' JSON trees and bytes. The same seed
//! yields the same bodies.
//!
//! In `cargo test` each target runs a few thousand bodies. For more bodies and reliable figures:
//!
//! `FUZZ_EXECUTIONS=2000000 cargo test --release -p bluetick-events --test fuzz -- --nocapture`
//!
//! `FUZZ_SEED` selects other bodies. A failure prints the seed of its body.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

#[path = "support/mutation.rs"]
mod mutation;
mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use bluetick_events::{Flattened, Options, Provider, PseudonymKey, flatten, flatten_explained};
use mutation::{Random, mutate};
use peak_alloc::PeakAlloc;
use serde_json::Value;
use support::{RECEIVED_AT, fixtures};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Only bodies of at least this size are timed; for smaller ones the clock is too coarse.
const TIMED_BYTES: usize = 20_000;

const MAX_HEAP_BYTES: usize = 64 << 20;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
}

/// Generates a body from a seed.
fn body(trees: &[Value], random: &mut Random) -> Vec<u8> {
    let mut tree = trees[random.below(trees.len())].clone();
    for _ in 0..random.below(6) {
        mutate(&mut tree, random);
    }
    // Some bodies have many elements, to measure the effect of size.
    if random.below(1000) == 0 {
        tree = Value::Array(vec![tree; random.below(300)]);
    }
    let mut bytes = tree.to_string().into_bytes();
    if random.below(4) == 0 {
        for _ in 0..=random.below(4) {
            let index = random.below(bytes.len());
            match random.below(4) {
                0 => bytes[index] = random.next() as u8,
                1 => drop(bytes.remove(index)),
                2 => bytes.truncate(index),
                _ => bytes.splice(index..index, *b"\\ud83d").for_each(drop),
            }
            if bytes.is_empty() {
                break;
            }
        }
    }
    bytes
}

fn options(random: &mut Random) -> Options {
    Options {
        pseudonym_key: PseudonymKey::new(b"a key").filter(|_| random.below(4) == 0),
        keep_response_json: random.below(2) == 0,
    }
}

/// Flattens the body of a seed, and checks the properties that hold for every body.
fn execute(provider: Provider, trees: &[Value], seed: u64) -> (usize, Duration, usize) {
    let mut random = Random(seed);
    let body = body(trees, &mut random);
    let options = options(&mut random);
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.current_usage();
    let outcome = catch_unwind(AssertUnwindSafe(|| flatten(provider, &body, RECEIVED_AT, &options)));
    let heap = ALLOCATOR.peak_usage().saturating_sub(before);
    assert!(heap < MAX_HEAP_BYTES, "seed {seed}: {heap} bytes of heap");
    let Ok(outcome) = outcome else { panic!("seed {seed}: {}", String::from_utf8_lossy(&body)) };
    if let Ok(Flattened { records, .. }) = &outcome {
        assert!(!records.is_empty() || body.len() < 3, "seed {seed}: no record of {}", String::from_utf8_lossy(&body));
        let mut line = Vec::new();
        for record in records {
            line.clear();
            record.write_line(&mut line);
            assert!(line.len() < 1000 * 1024, "seed {seed}: a line of {} bytes", line.len());
            assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1, "seed {seed}: not one line");
        }
    }
    if random.below(500) == 0 {
        let explained = flatten_explained(provider, &body, RECEIVED_AT, &options);
        let explained = explained.map(|records| records.into_iter().map(|each| each.record).collect::<Vec<_>>());
        let outcome = outcome.map(|flattened| flattened.records);
        assert_eq!(explained, outcome, "seed {seed}: explained differently");
    }
    // The shortest of several measurements is least affected by other load.
    let times = (0..if body.len() >= TIMED_BYTES { 7 } else { 0 }).map(|_| {
        let start = Instant::now();
        drop(flatten(provider, &body, RECEIVED_AT, &options));
        start.elapsed()
    });
    let duration = times.min().unwrap_or_default();
    (body.len(), duration, heap)
}

fn fuzz(provider: Provider) {
    // Include some bodies of other providers.
    let all = fixtures();
    let (own, other): (Vec<_>, Vec<_>) = all.iter().partition(|fixture| fixture.provider == provider);
    let trees: Vec<Value> = own
        .iter()
        .chain(other.iter().take(10))
        .filter_map(|fixture| serde_json::from_slice(&fixture.body).ok())
        .collect();
    let executions = setting("FUZZ_EXECUTIONS", 3000);
    let seed = setting("FUZZ_SEED", 20_261_120);
    let (mut bytes, mut heap, mut timed, mut slowest) = (0, 0, 0, 0.0_f64);
    for execution in 0..executions {
        let (body_bytes, duration, body_heap) = execute(provider, &trees, seed.wrapping_add(execution));
        bytes += body_bytes;
        heap = heap.max(body_heap);
        if duration > Duration::ZERO {
            timed += 1;
            slowest = slowest.max(duration.as_secs_f64() * 1e3 / (body_bytes as f64 / 1e6));
        }
    }
    println!(
        "{provider}: {executions} executions, {bytes} bytes, at most {heap} bytes of heap, \
         at most {slowest:.1} ms a MB ({timed} bodies timed, from {TIMED_BYTES} bytes on)"
    );
}

#[test]
fn every_provider() {
    Provider::ALL.into_iter().for_each(fuzz);
}
