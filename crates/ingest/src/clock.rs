//! The only place where this crate asks what time it is.

/// Milliseconds since 1970, UTC.
pub fn now() -> i64 {
    chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()).timestamp_millis()
}

/// The name of a raw object, as Firehose would build it: `yyyy/MM/dd/HH/bluetick-<uuid>.gz` of the time it was written
/// (docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html). `now` is in milliseconds since 1970, UTC. The uuid is of
/// version 7: names sort by time and never repeat.
pub fn object_name(now: i64) -> String {
    let hour = chrono::DateTime::from_timestamp_millis(now).unwrap_or_default().format("%Y/%m/%d/%H");
    format!("{hour}/bluetick-{}.gz", uuid::Uuid::now_v7())
}
