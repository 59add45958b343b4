//! Rejected lines: stored with the reason, outside the tables.

use std::collections::BTreeMap;

use object_store::path::Path;
use object_store::{ObjectStoreExt, PutMode, PutOptions};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::LakeError;
use crate::lake::Lake;
use crate::staging::Reason;

/// A rejected line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedLine {
    /// The reason.
    pub reason: Reason,
    /// The line as it was received.
    pub line: Vec<u8>,
}

#[derive(Serialize)]
struct Kept<'a> {
    reason: &'a str,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<&'a str>,
    /// The line in hexadecimal, if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    line_hex: Option<String>,
}

/// A row of the table `rejections`: the number of lines of an object that were rejected for a reason. It contains
/// nothing of the lines themselves.
#[derive(Serialize)]
struct Tally<'a> {
    reason: &'a str,
    source: &'a str,
    line_count: usize,
}

fn append_json(content: &mut Vec<u8>, value: &impl Serialize) -> Result<(), LakeError> {
    serde_json::to_writer(&mut *content, value).map_err(|error| LakeError::Invalid(error.to_string()))?;
    content.push(b'\n');
    Ok(())
}

impl Lake {
    /// Stores rejected lines under `rejected/<reason>/dt=<date>/<hash>.ndjson`, one object per reason:
    /// `{"reason":…,"source":…,"line":…}`, or `line_hex` for a line that is not UTF-8. Also stores their counts,
    /// without any content of the lines, under `rejections/dt=<date>/<hash>.ndjson`:
    /// `{"reason":…,"source":…,"line_count":…}`.
    ///
    /// `source` names the origin of the lines, such as the key of the raw object. The date is the first date in it
    /// (`dt=2026-11-20` or `2026/11/20`), or else the date of `modified_ms`, the time at which the source was
    /// written, in milliseconds since 1970 (UTC). The lines of a large source are passed in groups with the numbers
    /// `group`. File names are hashes of source, group and lines, so a retry writes the same objects again, and two
    /// groups of equal lines stay separate.
    ///
    /// # Errors
    /// The store failed. Some objects may have been written; a retry completes them.
    pub async fn reject(
        &self,
        source: &str,
        modified_ms: i64,
        group: u64,
        rejected: &[RejectedLine],
    ) -> Result<(), LakeError> {
        let mut by_reason: BTreeMap<Reason, (usize, Vec<u8>)> = BTreeMap::new();
        for RejectedLine { reason, line } in rejected {
            let text = std::str::from_utf8(line);
            let line_hex = text.is_err().then(|| hex::encode(line));
            let kept = Kept { reason: reason.slug(), source, line: text.ok(), line_hex };
            let (line_count, content) = by_reason.entry(*reason).or_default();
            *line_count += 1;
            append_json(content, &kept)?;
        }
        let dt = format!("dt={}", date_in(source).unwrap_or_else(|| date_of(modified_ms)));
        let (mut tallies, mut everything) = (Vec::new(), Sha256::new_with_prefix(group.to_be_bytes()));
        for (reason, (line_count, content)) in by_reason {
            append_json(&mut tallies, &Tally { reason: reason.slug(), source, line_count })?;
            everything.update(&content);
            let digest = Sha256::new_with_prefix(group.to_be_bytes()).chain_update(&content).finalize();
            let path = Path::from_iter(["rejected", reason.slug(), &dt, &file_name(digest.as_slice())]);
            self.store.put(&path, content.into()).await?;
        }
        if tallies.is_empty() {
            return Ok(());
        }
        let path = Path::from_iter(["rejections", &dt, &file_name(everything.finalize().as_slice())]);
        // In a local directory, only conditional writes are staged outside the folder that readers of the table list.
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(&path, tallies.into(), options).await {
            Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// The file name for a digest.
fn file_name(digest: &[u8]) -> String {
    format!("{}.ndjson", hex::encode(digest.get(..16).unwrap_or(digest)))
}

/// The UTC date of a time in milliseconds since 1970.
fn date_of(ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(ms).unwrap_or_default().date_naive().to_string()
}

/// The first date in a key, written as `2026-11-20` or `2026/11/20`.
fn date_in(source: &str) -> Option<String> {
    source.as_bytes().windows(10).find_map(|window| {
        let text = std::str::from_utf8(window).ok()?.replace('/', "-");
        let date = chrono::NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok()?;
        (date.to_string() == text).then_some(text)
    })
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;
    use crate::options::LakeOptions;

    #[test]
    fn dates_are_found_in_keys() {
        assert_eq!(date_in("raw/dt=2026-11-20/x.gz").as_deref(), Some("2026-11-20"));
        assert_eq!(date_in("raw/2026/11/20/13/stream-1").as_deref(), Some("2026-11-20"));
        assert_eq!(date_in("raw/x-2026-13-20"), None);
        assert_eq!(date_in("é2026"), None);
    }

    #[tokio::test]
    async fn rejected_lines_are_kept_once() {
        let lake = Lake::open("memory://test", LakeOptions::default()).unwrap();
        let lines = [
            RejectedLine { reason: Reason::NotJson, line: b"{\"a\"".to_vec() },
            RejectedLine { reason: Reason::NotJson, line: vec![0xff, 0x00] },
            RejectedLine { reason: Reason::WrongType, line: b"{}".to_vec() },
        ];
        for _ in 0..2 {
            lake.reject("raw/dt=2026-11-20/x", 0, 0, &lines).await.unwrap();
        }
        let paths: Vec<_> = lake.store.list(None).map_ok(|meta| meta.location).try_collect().await.unwrap();
        assert_eq!(paths.len(), 3);
        let not_json = paths.iter().find(|path| path.as_ref().starts_with("rejected/not_json/dt=2026-11-20/")).unwrap();
        let text = lake.store.get(not_json).await.unwrap().bytes().await.unwrap();
        let expected = "{\"reason\":\"not_json\",\"source\":\"raw/dt=2026-11-20/x\",\"line\":\"{\\\"a\\\"\"}\n\
            {\"reason\":\"not_json\",\"source\":\"raw/dt=2026-11-20/x\",\"line_hex\":\"ff00\"}\n";
        assert_eq!(text, expected);
        let tally = paths.iter().find(|path| path.as_ref().starts_with("rejections/dt=2026-11-20/")).unwrap();
        let text = lake.store.get(tally).await.unwrap().bytes().await.unwrap();
        let expected = "{\"reason\":\"not_json\",\"source\":\"raw/dt=2026-11-20/x\",\"line_count\":2}\n\
            {\"reason\":\"wrong_type\",\"source\":\"raw/dt=2026-11-20/x\",\"line_count\":1}\n";
        assert_eq!(text, expected);
    }

    /// An object may contain millions of equal lines. Each group of them is stored.
    #[tokio::test]
    async fn equal_groups_are_kept_apart() {
        let lake = Lake::open("memory://test", LakeOptions::default()).unwrap();
        let lines = [RejectedLine { reason: Reason::NotJson, line: b"x".to_vec() }];
        for group in [0, 1, 2, 1] {
            lake.reject("raw/dt=2026-11-20/x", 0, group, &lines).await.unwrap();
        }
        let paths: Vec<_> = lake.store.list(None).map_ok(|meta| meta.location).try_collect().await.unwrap();
        assert_eq!(paths.len(), 6, "three groups, each with its lines and its count");
    }

    #[tokio::test]
    async fn an_object_without_a_date_in_its_name_counts_by_its_own() {
        let lake = Lake::open("memory://test", LakeOptions::default()).unwrap();
        let lines = [RejectedLine { reason: Reason::NotJson, line: b"x".to_vec() }];
        lake.reject("events.ndjson", 1_795_132_800_000, 0, &lines).await.unwrap();
        lake.reject("nothing", 0, 0, &[]).await.unwrap();
        let paths: Vec<_> = lake.store.list(None).map_ok(|meta| meta.location).try_collect().await.unwrap();
        assert_eq!(paths.len(), 2);
        assert!(paths.iter().all(|path| path.as_ref().contains("/dt=2026-11-20/")), "{paths:?}");
    }
}
