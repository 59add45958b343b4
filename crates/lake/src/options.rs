//! Settings of a lake.

use std::time::Duration;

/// How a lake writes. The defaults suit a Lambda of 512 MB and a day of up to some hundred million rows.
#[derive(Clone, Debug, PartialEq)]
pub struct LakeOptions {
    /// Rows of a row group at most (and about 16 MiB): what a merge holds of each part at a time, and the unit of pruning
    /// by event time.
    pub row_group_rows: usize,
    /// Bytes that a part does not exceed by compacting others.
    pub target_part_bytes: u64,
    /// A part is compacted only into one that has at least this many times its rows. So no row is rewritten more often than
    /// the logarithm to this base of the number of commits; larger values write less and leave more parts. 0 compacts
    /// everything, infinity nothing.
    pub growth_factor: f64,
    /// Attempts at a commit before it is given up as contended.
    pub max_attempts: u32,
    /// Rule R4: a writer that began to read, or wrote its part, longer ago than this must not publish, and starts again.
    /// Far below `grace`.
    pub publish_deadline: Duration,
    /// Rule R3: how long a superseded part is kept for queries that still read it. Athena's queries end in 30 minutes
    /// by default.
    pub grace: Duration,
    /// Level of zstd; 0 writes uncompressed.
    pub zstd_level: i32,
    /// The secret that erasures are hashed with; `None`: a random one, made once and kept under `erasures/key`.
    pub erasure_key: Option<String>,
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
        }
    }
}
