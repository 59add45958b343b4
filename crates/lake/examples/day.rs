//! Simulates a day of one table in 288 commits, one every five minutes. Prints how many parts remain and how many
//! bytes were written.
//!
//! `cargo run --release -p bluetick-lake --example day -- --rows 1000000`

#![allow(clippy::print_stdout, reason = "it prints its figures")]

use std::error::Error;
use std::time::Instant;

use bluetick_lake::{Lake, LakeOptions, Staging};

const DAY: u64 = 1_795_132_800_000;
const COMMITS: u64 = 288;
const INTERVAL_MS: u64 = 300_000;

/// Pseudo-random bits that depend only on the number.
fn scramble(number: u64) -> u64 {
    let mixed = (number ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb)
}

/// A status line of realistic size.
fn line(event: u64, time: u64) -> String {
    let (a, b, c) = (scramble(event / 3), scramble(event / 3 + 1_000_003), scramble(event));
    let status = ["sent", "delivered", "read"].get((event % 3) as usize).copied().unwrap_or("sent");
    format!(
        r#"{{"table":"statuses","event_ts":{time},"provider":"meta","account_id":"102290129340398","phone_number_id":"106540352242922","received_at":{},"message_id":"wamid.HBgM{a:016x}FQIAERgS{b:016x}AA==","status":"{status}","wa_id":"4917{:08}","conversation_id":"{c:016x}{a:016x}","conversation_origin":"marketing","billable":true,"pricing_model":"PMP","pricing_type":"regular","pricing_category":"marketing"}}"#,
        time + 1500,
        a % 100_000_000,
    )
}

/// Event time in the minutes before the commit; one event in twenty is up to two hours late. Whole seconds, as in
/// Meta's webhooks.
fn event_time(event: u64, commit: u64) -> u64 {
    let random = scramble(event.wrapping_add(77));
    let end = (commit + 1) * INTERVAL_MS;
    let late = if random.is_multiple_of(20) { random / 20 % 7_200_000 } else { 0 };
    let time = end.saturating_sub(1 + random / 400 % INTERVAL_MS + late);
    (DAY + time) / 1000 * 1000
}

fn rows_argument() -> Result<u64, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => Ok(10_000),
        (Some("--rows"), Some(rows)) => Ok(rows.parse()?),
        _ => Err("usage: day [--rows N]".into()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let rows = rows_argument()?;
    let lake = Lake::open("memory://day", LakeOptions::default())?;
    let mut staging = Staging::new();
    let started = Instant::now();
    let (mut written, mut json, mut duplicates, mut most_parts) = (0, 0, 0, 0);
    for commit in 0..COMMITS {
        for event in commit * rows / COMMITS..(commit + 1) * rows / COMMITS {
            // One event in twenty is delivered again in the next object.
            let again = event.is_multiple_of(20) && event >= rows / COMMITS;
            let earlier = again.then(|| event - rows / COMMITS).map(|event| (event, event * COMMITS / rows));
            for (event, commit) in [(event, commit)].into_iter().chain(earlier) {
                let line = line(event, event_time(event, commit));
                json += line.len() as u64 + 1;
                staging.push_line(line.as_bytes())?;
            }
        }
        for batch in staging.drain()? {
            let report = lake.commit(&batch).await?;
            written += report.bytes_written;
            duplicates += report.duplicates;
            most_parts = most_parts.max(report.parts);
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let report = lake.verify().await?;
    println!("{rows} rows in {COMMITS} commits: {json} bytes of JSON, {duplicates} repeats, {seconds:.1} s");
    println!(
        "parts left: {} (at most {most_parts} on the way); bytes of the day: {}; bytes written: {written}, {:.2} times",
        report.parts,
        report.bytes,
        written as f64 / report.bytes as f64
    );
    println!("rows in the lake: {}; problems: {}", report.rows, report.problems.len());

    let lake = Lake::open("memory://spread", LakeOptions::default())?;
    let started = Instant::now();
    for event in 0..rows {
        staging.push_line(line(event, event_time(event, event % COMMITS) - event % 8 * 86_400_000).as_bytes())?;
    }
    let batches = staging.drain()?;
    let (mut attempts, mut new) = (0, 0);
    for batch in &batches {
        let report = lake.commit(batch).await?;
        attempts += report.attempts;
        new += report.new;
    }
    println!(
        "one object over {} days: {attempts} attempts, {new} rows, {:.1} s",
        batches.len(),
        started.elapsed().as_secs_f64()
    );
    Ok(())
}
