//! Options of a lake.

use std::time::Duration;

use crate::first_day::FirstDay;

/// How a lake is written. The defaults suit a Lambda function of 512 MB and a day of up to 100 million rows.
#[derive(Clone, Debug, PartialEq)]
pub struct LakeOptions {
    /// Most rows of a row group (it also ends at about 16 MiB): the unit that a merge holds of each part, and that
    /// readers skip by event time.
    pub row_group_rows: usize,
    /// Compaction makes no part larger than this many bytes.
    pub target_part_bytes: u64,
    /// A part is compacted only into one with at least this many times its rows. So each row is rewritten at most
    /// logarithmically often in the number of commits; larger values write less and leave more parts. 0 compacts
    /// everything, infinity nothing.
    pub growth_factor: f64,
    /// Attempts at a conditional write before [`crate::LakeError::Contention`].
    pub max_attempts: u32,
    /// Rule R4: a writer must not publish if it began longer ago than this; it starts again. Far below `grace`.
    pub publish_deadline: Duration,
    /// Rule R3: how long an unreferenced part is kept for queries that still read it. Athena's queries end after 30
    /// minutes by default.
    pub grace: Duration,
    /// Level of zstd; 0 writes uncompressed.
    pub zstd_level: i32,
    /// The secret for the hashes in the list of erasures (`ERASURE_KEY`). `None`: a random one, created once and kept
    /// under `erasures/key`.
    pub erasure_key: Option<String>,
    /// Events before this day are rejected (`FIRST_DAY`).
    pub first_day: FirstDay,
}

impl Default for LakeOptions {
    fn default() -> Self {
        Self {
            row_group_rows: 131_072,
            target_part_bytes: 128 << 20,
            // A little under 5, because batches are alike but not equal in size.
            growth_factor: 4.8,
            max_attempts: 40,
            publish_deadline: Duration::from_secs(600),
            grace: Duration::from_secs(24 * 3600),
            zstd_level: 3,
            erasure_key: None,
            first_day: FirstDay::default(),
        }
    }
}
