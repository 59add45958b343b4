//! Options of a lake: row group size, compaction, retries, deadlines, compression and erasure key.

use std::time::Duration;

use crate::first_day::FirstDay;

/// Options of a lake. The defaults suit a Lambda function with 512 MB of memory and up to 100 million rows a day.
#[derive(Clone, Debug, PartialEq)]
pub struct LakeOptions {
    /// Maximum number of rows of a row group, which also ends at about 16 MiB. A merge holds one row group of each
    /// part in memory, and readers skip row groups by event time.
    pub row_group_rows: usize,
    /// Compaction never creates a part larger than this many bytes. In a partition that is larger than four times this
    /// size, the limit is a quarter of the partition. A commit ignores the limit if more than eight parts would be left
    /// otherwise.
    pub target_part_bytes: u64,
    /// Parts are compacted into a part with at least this many times the rows of the largest of them. The number of
    /// times that a row is rewritten is therefore logarithmic in the number of commits. Larger values write less and
    /// leave more parts. Where more than eight parts would be left, smaller values are used. 0 always compacts all
    /// parts, infinity none.
    pub growth_factor: f64,
    /// Every commit compacts the parts below this size, because readers fetch about 60 kB to open a file of any size.
    pub small_part_bytes: u64,
    /// Time after the end of a day until no more events of the day are expected. Until then the sweep merges
    /// parts of the day only if the merged part has at least 1.125 times the rows of the largest of them; afterwards it
    /// always merges them.
    pub closed_after: Duration,
    /// Maximum number of attempts at a conditional write. After that it fails with [`crate::LakeError::Contention`].
    pub max_attempts: u32,
    /// Rule R4: a writer that began longer ago than this must not publish but start again. Must be far below `grace`.
    pub publish_deadline: Duration,
    /// Rule R3: how long an unreferenced part is kept for queries that still read it. By default Athena stops queries
    /// after 30 minutes.
    pub grace: Duration,
    /// Compression level of zstd; 0 writes uncompressed.
    pub zstd_level: i32,
    /// The secret for the hashes in the list of erasures (`ERASURE_KEY`). `None`: a random secret is created once and
    /// stored in `erasures/key`.
    pub erasure_key: Option<String>,
    /// Events before this day are rejected (`FIRST_DAY`).
    pub first_day: FirstDay,
}

impl Default for LakeOptions {
    fn default() -> Self {
        Self {
            row_group_rows: 131_072,
            target_part_bytes: 128 << 20,
            growth_factor: 4.0,
            small_part_bytes: 64 << 10,
            // Meta delivers webhooks up to seven days late.
            closed_after: Duration::from_secs(8 * 24 * 3600),
            max_attempts: 40,
            publish_deadline: Duration::from_secs(600),
            grace: Duration::from_secs(24 * 3600),
            zstd_level: 3,
            erasure_key: None,
            first_day: FirstDay::default(),
        }
    }
}
