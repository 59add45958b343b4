//! Manifests. A manifest lists the parts of one partition.
//!
//! The format is that of Hive's SymlinkTextInputFormat, which Athena reads: one absolute URI per line, each line
//! ended by a newline, no blank lines. Every publication adds a part under a new name (rule R8), so no two versions
//! of a manifest are equal, and an empty manifest was not written by this project.

use std::collections::HashSet;

use object_store::path::Path;
use object_store::{GetOptions, ObjectStore, UpdateVersion};
use sha2::{Digest, Sha256};

use crate::error::LakeError;
use crate::partition::Partition;

/// A manifest as it was read: the referenced parts, and the version for a conditional write.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Manifest {
    /// File names of the parts, in the order of the lines.
    pub(crate) parts: Vec<String>,
    /// Version (ETag) for a conditional write; `None` if the manifest does not exist yet.
    pub(crate) version: Option<UpdateVersion>,
    /// SHA-256 of the text in hexadecimal; empty if the manifest does not exist.
    pub(crate) digest: String,
}

/// Reads the manifest of a partition. A missing manifest yields an empty [`Manifest`].
pub(crate) async fn read_manifest(
    store: &dyn ObjectStore,
    base_uri: &str,
    partition: Partition,
) -> Result<Manifest, LakeError> {
    let path = partition.manifest_path();
    let got = match store.get_opts(&path, GetOptions::default()).await {
        Err(object_store::Error::NotFound { .. }) => return Ok(Manifest::default()),
        other => other?,
    };
    let version = UpdateVersion { e_tag: got.meta.e_tag.clone(), version: got.meta.version.clone() };
    let bytes = got.bytes().await?;
    let damaged = |problem: String| LakeError::Damaged { object: path.to_string(), problem };
    let text = std::str::from_utf8(&bytes).map_err(|error| damaged(error.to_string()))?;
    let parts = parse(text, base_uri, partition).map_err(damaged)?;
    Ok(Manifest { parts, version: Some(version), digest: hex::encode(Sha256::digest(&bytes)) })
}

/// Renders the text of a manifest that lists these parts.
pub(crate) fn render(parts: &[String], base_uri: &str, partition: Partition) -> String {
    parts.iter().map(|name| format!("{}\n", part_uri(base_uri, &partition.part_path(name)))).collect()
}

/// The URI of an object of the lake as other programs use it.
pub(crate) fn part_uri(base_uri: &str, path: &Path) -> String {
    format!("{base_uri}/{path}")
}

/// Parses the text of a manifest into the file names of its parts.
pub(crate) fn parse(text: &str, base_uri: &str, partition: Partition) -> Result<Vec<String>, String> {
    let mut seen = HashSet::new();
    let mut parts = Vec::new();
    for line in text.lines() {
        let inside = line.strip_prefix(base_uri).and_then(|rest| rest.strip_prefix('/'));
        let Some((named, name)) = inside.and_then(|path| Partition::parse_path("data", path)) else {
            return Err(format!("{line:?} is not a part below {base_uri}"));
        };
        if named != partition {
            return Err(format!("{line:?} belongs to another partition"));
        }
        if !seen.insert(name) {
            return Err(format!("{line:?} is listed twice"));
        }
        parts.push(name.to_owned());
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::Table;

    fn partition() -> Partition {
        Partition::of(Table::Sends, 1_700_000_000_000).unwrap()
    }

    #[test]
    fn text_and_parts_agree() {
        let parts = vec!["b.parquet".to_owned(), "a.parquet".to_owned()];
        let text = render(&parts, "s3://bucket/lake", partition());
        assert_eq!(
            text,
            "s3://bucket/lake/data/sends/dt=2023-11-14/b.parquet\ns3://bucket/lake/data/sends/dt=2023-11-14/a.parquet\n"
        );
        assert_eq!(parse(&text, "s3://bucket/lake", partition()), Ok(parts));
        assert_eq!(render(&[], "s3://bucket/lake", partition()), "");
        assert_eq!(parse("", "s3://bucket/lake", partition()), Ok(Vec::new()));
    }

    #[test]
    fn foreign_lines_are_refused() {
        let line = "s3://b/data/sends/dt=2023-11-14/a.parquet\n";
        for text in [
            "s3://other/data/sends/dt=2023-11-14/a.parquet\n".to_owned(),
            "s3://b/data/sends/dt=2023-11-15/a.parquet\n".to_owned(),
            "s3://b/data/sends/dt=2023-11-14/x/a.parquet\n".to_owned(),
            "\n".to_owned(),
            format!("{line}{line}"),
        ] {
            assert!(parse(&text, "s3://b", partition()).is_err(), "{text:?}");
        }
    }
}
