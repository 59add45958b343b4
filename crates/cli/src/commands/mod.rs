//! The commands. Each has its own module.

mod body_budget;
pub(crate) mod erase;
pub(crate) mod flatten;
pub(crate) mod import;
pub(crate) mod lookup;
pub(crate) mod lookups;
pub(crate) mod manifests;
pub(crate) mod providers;
pub(crate) mod reflatten;
pub(crate) mod repair;
pub(crate) mod replay;
pub(crate) mod report_page;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod server;
pub(crate) mod simulate;
pub(crate) mod sweep;
pub(crate) mod verify;

use std::error::Error;
use std::sync::Arc;

use std::path::{Component, Path, PathBuf};

use bluetick_lake::{FirstDay, Lake, LakeOptions};
use bluetick_lookups::{Address, LookupStore, StoreError};
use url::Url;

/// The lake that a command works on.
#[derive(clap::Args)]
pub(crate) struct LakeArguments {
    /// The lake: s3://bucket/prefix or file:///directory
    #[arg(long = "lake", value_name = "URL", env = "LAKE_URL")]
    url: String,
    /// The secret of the list of erasures; without it the lake's own is used. It must never change
    #[arg(long, value_name = "KEY", env = "ERASURE_KEY", hide_env_values = true)]
    erasure_key: Option<String>,
}

impl LakeArguments {
    /// The URL as given.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Arguments for the lake at `url` without an erasure key.
    pub(crate) fn of(url: &str) -> Self {
        Self { url: url.to_owned(), erasure_key: None }
    }

    /// Opens the lake. A missing local directory is created.
    pub(crate) fn open(&self) -> Result<Lake, Box<dyn Error + Send + Sync>> {
        Ok(Lake::open(&self.url, lake_options(self.erasure_key.clone()))?)
    }

    /// Opens the lake to add rows to it. A missing local directory is created.
    pub(crate) fn open_since(&self, first: &FirstDayArgument) -> Result<Lake, Box<dyn Error + Send + Sync>> {
        let first_day = first.first_day.unwrap_or_default();
        Ok(Lake::open(&self.url, LakeOptions { first_day, ..lake_options(self.erasure_key.clone()) })?)
    }

    /// Opens an existing lake. Fails if a local directory is missing, so that a typo is not mistaken for an empty lake.
    pub(crate) fn open_existing(&self) -> Result<Lake, Box<dyn Error + Send + Sync>> {
        require_directory(&self.url)?;
        self.open()
    }
}

/// The first day of the events that a command adds to the lake.
#[derive(clap::Args)]
pub(crate) struct FirstDayArgument {
    /// The first UTC day whose events are accepted, as in 2024-01-01; earlier events are rejected [default: 2009-01-01]
    #[arg(long, value_name = "DATE", env = "FIRST_DAY")]
    first_day: Option<FirstDay>,
}

/// Lake options with this erasure key. An empty key counts as none.
pub(crate) fn lake_options(erasure_key: Option<String>) -> LakeOptions {
    LakeOptions { erasure_key: erasure_key.filter(|key| !key.is_empty()), ..LakeOptions::default() }
}

/// The look-up store that a command uses.
#[derive(clap::Args)]
pub(crate) struct LookupsArguments {
    /// The look-up store: file:///directory or dynamodb://table
    #[arg(long = "lookups", value_name = "URL", env = "LOOKUPS_URL")]
    address: Address,
}

impl LookupsArguments {
    /// Opens the look-up store. A missing directory is created.
    pub(crate) async fn open(&self) -> Result<Arc<dyn LookupStore>, StoreError> {
        self.address.open().await
    }
}

/// The look-up store that a command updates, if any.
#[derive(clap::Args)]
pub(crate) struct OptionalLookupsArguments {
    /// The look-up store of this lake, which the command then also updates: file:///directory or dynamodb://table
    #[arg(long = "lookups", value_name = "URL", env = "LOOKUPS_URL")]
    address: Option<Address>,
}

impl OptionalLookupsArguments {
    /// Opens the look-up store, if one is given.
    pub(crate) async fn open(&self) -> Result<Option<Arc<dyn LookupStore>>, StoreError> {
        match &self.address {
            Some(address) => Ok(Some(address.open().await?)),
            None => Ok(None),
        }
    }
}

/// Fails if `url` names a local directory that does not exist. Opening a store creates its directory, which is wrong
/// for directories that are only read.
pub(crate) fn require_directory(url: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    match bluetick_storage::directory(url).filter(|directory| !directory.is_dir()) {
        Some(directory) => Err(format!("the directory {} does not exist: check the URL", directory.display()).into()),
        None => Ok(()),
    }
}

/// Rejects a lake inside the raw objects, or raw objects inside the lake: each run would read its own output again,
/// and the lake would grow forever.
pub(crate) fn refuse_nested(raw: &str, lake: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    refuse_nested_places(("the raw objects", raw), ("the lake", lake))
}

/// As [`refuse_nested`] for any two places, each with its name for the error message.
pub(crate) fn refuse_nested_places(one: (&str, &str), other: (&str, &str)) -> Result<(), Box<dyn Error + Send + Sync>> {
    let (Some(one_place), Some(other_place)) = (place(one.1), place(other.1)) else { return Ok(()) };
    let common = one_place.iter().zip(&other_place).take_while(|(one, other)| one == other).count();
    if common == one_place.len().min(other_place.len()) {
        let ((one, one_url), (other, other_url)) = (one, other);
        return Err(format!(
            "{one} ({one_url}) and {other} ({other_url}) must not contain each other: choose separate places"
        )
        .into());
    }
    Ok(())
}

/// The location that a URL names: scheme, host, and path segments. `None` if it cannot be parsed.
fn place(url: &str) -> Option<Vec<String>> {
    let url = Url::parse(url).ok()?;
    let mut place = vec![url.scheme().to_owned(), url.host_str().unwrap_or_default().to_owned()];
    if url.scheme() == "file" {
        let path = resolved(&url.to_file_path().ok()?);
        let names = path.components().filter(|component| matches!(component, Component::Normal(_)));
        place.extend(names.map(|name| name.as_os_str().to_string_lossy().into_owned()));
    } else {
        place.extend(url.path().split('/').filter(|segment| !segment.is_empty()).map(str::to_owned));
    }
    Some(place)
}

/// The path with symbolic links resolved, even if its last components do not exist yet.
fn resolved(path: &Path) -> PathBuf {
    for ancestor in path.ancestors() {
        if let (Ok(real), Ok(rest)) = (ancestor.canonicalize(), path.strip_prefix(ancestor)) {
            return real.join(rest);
        }
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_places_are_refused() {
        for (raw, lake) in [
            ("file:///data/raw", "file:///data/raw/lake"),
            ("file:///data/raw", "file:///data/raw"),
            ("file:///data/raw/", "file:///data/raw/../raw/lake/"),
            ("file:///data/lake/raw", "file:///data/lake"),
            ("s3://bucket", "s3://bucket/lake"),
            ("s3://bucket/raw/", "s3://bucket/raw//lake"),
        ] {
            assert!(refuse_nested(raw, lake).is_err(), "{raw} {lake}");
        }
        for (raw, lake) in [
            ("file:///data/raw", "file:///data/raw-lake"),
            ("file:///data/raw", "file:///data/lake"),
            ("s3://bucket/raw", "s3://bucket/lake"),
            ("s3://raw", "s3://lake"),
            ("s3://data/raw", "file:///data/raw/lake"),
            ("firehose://stream", "file:///data/lake"),
        ] {
            assert!(refuse_nested(raw, lake).is_ok(), "{raw} {lake}");
        }
    }
}
