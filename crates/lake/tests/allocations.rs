//! A guard of speed without a clock: staging and commits make the same number of allocations in every run, so a
//! regression fails here.
//!
//! It is a binary of its own, because counting would slow the other tests down.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr, missing_docs)]

use std::sync::Arc;

use bluetick_lake::{Lake, LakeOptions, Staging};
use object_store::memory::InMemory;

const ROWS: u64 = 10_000;

/// Maximum number of allocations to stage [`ROWS`] lines; 25 % above the number when this was written.
const STAGING_LIMIT: u64 = 13_500;
/// As above, for the first commit of a partition, with [`ROWS`] rows.
const FIRST_COMMIT_LIMIT: u64 = 4_430;
/// As above, for a second commit of as many rows, which scans and compacts the part of the first.
const SECOND_COMMIT_LIMIT: u64 = 5_030;

/// Status lines as ingest writes them.
fn lines(first: u64) -> Vec<String> {
    let line = |number: u64| {
        let time = 1_795_132_800_000 + number % 1_000;
        let person = number % 1_000_000;
        format!(
            r#"{{"table":"statuses","event_ts":{time},"provider":"meta","account_id":"1","phone_number_id":"2","received_at":1795132801500,"message_id":"wamid.{number:032x}","status":"read","wa_id":"49170{person:07}","billable":true,"pricing_category":"marketing"}}"#
        )
    };
    (first..first + ROWS).map(line).collect()
}

fn staged(lines: &[String]) -> Staging {
    let mut staging = Staging::new();
    for line in lines {
        staging.push_line(line.as_bytes()).unwrap();
    }
    staging
}

/// Panics if `counted` exceeds `limit`, or is so far below that the limit would not notice a regression.
fn check(what: &str, counted: u64, limit: u64) {
    assert!(
        counted <= limit,
        "{what}: {counted} allocations, more than {limit}: find what allocates, or raise the limit"
    );
    let lowest = limit * 3 / 5;
    assert!(counted > lowest, "{what}: {counted} allocations, far below {limit}: lower the limit to 25 % above them");
}

#[test]
fn staging_allocates_about_once_a_line() {
    let lines = lines(0);
    let counted = allocation_counter::measure(|| drop(staged(&lines))).count_total;
    check("staging", counted, STAGING_LIMIT);
    // The control: lines with escapes need the general reader, which allocates more.
    let escaped: Vec<_> = lines.iter().map(|line| line.replace("marketing", "m\\u0061rketing")).collect();
    let general = allocation_counter::measure(|| drop(staged(&escaped))).count_total;
    assert!(general > STAGING_LIMIT, "{general} allocations for {ROWS} lines with escapes");
}

#[test]
fn a_commit_allocates_far_less_than_once_a_row() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let lake = Lake::with_store(Arc::new(InMemory::new()), "memory://lake", LakeOptions::default());
    let commit = |first: u64| {
        let batches = staged(&lines(first)).drain().unwrap();
        assert_eq!(batches.len(), 1);
        let counted = allocation_counter::measure(|| {
            assert_eq!(runtime.block_on(lake.commit(&batches[0])).unwrap().new, ROWS);
        });
        counted.count_total
    };
    let (first, second) = (commit(0), commit(ROWS));
    eprintln!("{first} allocations for the first commit, {second} for the second");
    check("the first commit", first, FIRST_COMMIT_LIMIT);
    check("the second commit", second, SECOND_COMMIT_LIMIT);
}

/// Whether the estimated memory of staged lines is at least what they take.
fn is_counted(lines: &[String]) -> Result<(), String> {
    let mut staging = Staging::new();
    let taken = allocation_counter::measure(|| {
        for line in lines {
            staging.push_line(line.as_bytes()).unwrap();
        }
    });
    let (taken, counted) = (usize::try_from(taken.bytes_current).unwrap(), staging.memory_bytes());
    if counted >= taken { Ok(()) } else { Err(format!("{counted} bytes counted, {taken} bytes taken")) }
}

/// The transform commits when the estimate reaches a bound, so a line must not take more memory than is estimated.
#[test]
fn memory_of_staged_lines_is_not_underestimated() {
    let line = |day: u64, number: u64, more: &str| {
        let time = 1_795_132_800_000 - day * 86_400_000;
        format!(
            r#"{{"table":"statuses","event_ts":{time},"provider":"meta","received_at":1795132801500,"message_id":"{number}","status":"read"{more}}}"#
        )
    };
    let distinct = |number: u64| {
        ["pricing_model", "pricing_type", "pricing_category", "error_title"]
            .map(|column| format!(r#","{column}":"{number}""#))
            .concat()
    };
    for (what, lines) in [
        ("ordinary lines", lines(0)),
        ("small lines", (0..ROWS).map(|number| line(0, number, "")).collect()),
        ("one line a day", (0..2_000).map(|day| line(day, day, "")).collect()),
        ("distinct texts in dictionaries", (0..ROWS).map(|number| line(0, number, &distinct(number))).collect()),
    ] {
        is_counted(&lines).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
}
