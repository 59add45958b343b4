//! The lake: Parquet parts, one manifest per partition, and a commit that stores each row exactly once. The commit
//! needs no lock, no list of processed rows and no time window for duplicates.
//!
//! ```text
//! data/<table>/dt=2026-11-20/<uuidv7>.parquet       immutable parts, never overwritten
//! manifest/<table>/dt=2026-11-20/symlink.txt        manifest: one URI of a part per line, read by Athena
//! rejected/<reason>/dt=…/<hash>.ndjson              rejected lines with the reason
//! rejections/dt=…/<hash>.ndjson                     counts of rejected lines: the table `rejections`
//! erasures/{key,list.json}                          erased persons, as keyed hashes
//! sweep/unreferenced.json                           parts that an earlier sweep found unreferenced
//! ```
//!
//! [`Staging`] turns NDJSON lines into batches, and [`Lake::commit`] adds a batch to its partition. All I/O goes
//! through `object_store`; clock and randomness come from an [`Environment`].
//!
//! ```
//! use bluetick_lake::{Lake, LakeOptions, Staging, Table};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let lake = Lake::open("memory://example", LakeOptions::default())?;
//! let line = br#"{"table":"sends","event_ts":1700000000000,"provider":"tracker","received_at":1700000000900,"message_id":"m1"}"#;
//! let mut staging = Staging::new();
//! for _ in 0..2 {
//!     staging.push_line(line)?;
//!     for batch in staging.drain()? {
//!         lake.commit(&batch).await?;
//!     }
//! }
//! let rows: usize = lake.read_table(Table::Sends).await?.iter().map(|batch| batch.num_rows()).sum();
//! assert_eq!(rows, 1);
//! # Ok(()) }
//! ```

mod batch;
mod columns;
mod commit;
mod compaction;
mod digest;
mod ended_days;
mod environment;
mod erasure;
mod error;
mod first_day;
mod invariants;
mod keys;
mod lake;
mod manifest;
mod merge;
mod metadata;
mod options;
mod outcome;
mod part;
mod partition;
mod read;
mod reject;
mod relocate;
mod repair;
mod restore;
mod retry;
mod sort;
mod staging;
mod sweep;
mod tables;
mod verify;
mod writer;

pub use batch::PartitionBatch;
pub use commit::CommitReport;
pub use environment::{Environment, SystemEnvironment};
pub use erasure::{EraseReport, ErasureState, Erasures, Person, RemainingCopy};
pub use error::{Fault, LakeError};
pub use first_day::{EARLIEST_EVENT_MS, FirstDay, InvalidFirstDay};
pub use invariants::Invariant;
pub use lake::Lake;
pub use options::LakeOptions;
pub use partition::Partition;
pub use reject::RejectedLine;
pub use relocate::{RewriteOptions, RewriteReport};
pub use repair::Repair;
pub use restore::RestoreReport;
pub use staging::{FUTURE_TOLERANCE_MS, MAX_LINE_BYTES, Reason, Rejection, Staging};
pub use sweep::SweepReport;
pub use tables::{ArrowSchema, Column, ColumnType, Table, UnknownTable};
pub use verify::{Problem, VerifyReport};
