//! Lines that cannot be placed: kept, with the reason, where nobody mistakes them for rows.

use std::collections::BTreeMap;

use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::LakeError;
use crate::lake::Lake;
use crate::staging::Reason;

/// A line that cannot be placed, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedLine {
    /// Why.
    pub reason: Reason,
    /// The line as it came.
    pub line: Vec<u8>,
}

#[derive(Serialize)]
struct Kept<'a> {
    reason: &'a str,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<&'a str>,
    /// A line that is no UTF-8, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    line_hex: Option<String>,
}

impl Lake {
    /// Keeps lines under `rejected/<reason>/dt=<date>/<hash>.ndjson`, one object for each reason:
    /// `{"reason":…,"source":…,"line":…}`, or `line_hex` for what is no UTF-8. `source` says where they came from, such
    /// as the raw object's key. The date is the source's (`dt=2026-11-20` or `2026/11/20` in it), else `unknown`. The
    /// name is a hash of source and lines, so the same call again writes the same objects again.
    ///
    /// # Errors
    /// The store's; then some objects may be written, and calling again completes them.
    pub async fn reject(&self, source: &str, rejected: &[RejectedLine]) -> Result<(), LakeError> {
        let mut by_reason: BTreeMap<Reason, Vec<u8>> = BTreeMap::new();
        for RejectedLine { reason, line } in rejected {
            let text = std::str::from_utf8(line);
            let line_hex = text.is_err().then(|| line.iter().map(|byte| format!("{byte:02x}")).collect());
            let kept = Kept { reason: reason.slug(), source, line: text.ok(), line_hex };
            let content = by_reason.entry(*reason).or_default();
            serde_json::to_writer(&mut *content, &kept).map_err(|error| LakeError::Invalid(error.to_string()))?;
            content.push(b'\n');
        }
        let date = date_in(source).unwrap_or_else(|| "unknown".to_owned());
        for (reason, content) in by_reason {
            let digest = Sha256::digest(&content);
            let hash: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
            let path = Path::from_iter(["rejected", reason.slug(), &format!("dt={date}"), &format!("{hash}.ndjson")]);
            self.store.put(&path, content.into()).await?;
        }
        Ok(())
    }
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
            lake.reject("raw/dt=2026-11-20/x", &lines).await.unwrap();
        }
        let paths: Vec<_> = lake.store.list(None).map_ok(|meta| meta.location).try_collect().await.unwrap();
        assert_eq!(paths.len(), 2);
        let not_json = paths.iter().find(|path| path.as_ref().starts_with("rejected/not_json/dt=2026-11-20/")).unwrap();
        let text = lake.store.get(not_json).await.unwrap().bytes().await.unwrap();
        let expected = "{\"reason\":\"not_json\",\"source\":\"raw/dt=2026-11-20/x\",\"line\":\"{\\\"a\\\"\"}\n\
            {\"reason\":\"not_json\",\"source\":\"raw/dt=2026-11-20/x\",\"line_hex\":\"ff00\"}\n";
        assert_eq!(text, expected);
    }
}
