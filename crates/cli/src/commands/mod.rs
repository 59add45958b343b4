//! The commands, one a module.

pub(crate) mod erase;
pub(crate) mod flatten;
pub(crate) mod providers;
pub(crate) mod replay;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod server;
pub(crate) mod simulate;
pub(crate) mod sweep;
pub(crate) mod verify;

use std::error::Error;

use bluetick_lake::{Lake, LakeOptions};
use url::Url;

/// Which lake a command works on.
#[derive(clap::Args)]
pub(crate) struct LakeArguments {
    /// The lake: s3://bucket/prefix or file:///directory
    #[arg(long = "lake", value_name = "URL", env = "LAKE_URL")]
    url: String,
}

impl LakeArguments {
    /// The lake, whose directory is made if it is not there.
    pub(crate) fn open(&self) -> Result<Lake, Box<dyn Error + Send + Sync>> {
        Ok(Lake::open(&self.url, LakeOptions::default())?)
    }

    /// The lake, which must be there: nothing is wrong with one that was mistyped, and nobody in it to erase.
    pub(crate) fn open_existing(&self) -> Result<Lake, Box<dyn Error + Send + Sync>> {
        require_directory(&self.url)?;
        self.open()
    }
}

/// Refuses the URL of a directory that does not exist. To open a directory is to make it: right for a new lake, wrong for
/// what is only read.
pub(crate) fn require_directory(url: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let directory = Url::parse(url).ok().filter(|url| url.scheme() == "file").and_then(|url| url.to_file_path().ok());
    match directory.filter(|directory| !directory.is_dir()) {
        Some(directory) => Err(format!("there is no directory {}", directory.display()).into()),
        None => Ok(()),
    }
}
