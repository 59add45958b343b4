//! Raw objects: gzip-compressed NDJSON, named as Firehose names its objects.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

/// The name of a raw object: `yyyy/MM/dd/HH/bluetick-<uuid>.gz`
/// (docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html). `written_at` is in milliseconds since 1970, UTC. The
/// UUID has version 7: names sort by time and are unique.
pub fn object_name(written_at: i64) -> String {
    let hour = chrono::DateTime::from_timestamp_millis(written_at).unwrap_or_default().format("%Y/%m/%d/%H");
    format!("{hour}/bluetick-{}.gz", uuid::Uuid::now_v7())
}

/// Compresses lines as one gzip member.
///
/// # Errors
/// Never in practice, because the output is in memory.
pub fn gzip(lines: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(lines.len() / 4), Compression::fast());
    encoder.write_all(lines)?;
    encoder.finish()
}
