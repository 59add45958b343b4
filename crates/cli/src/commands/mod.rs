//! The commands, one a module.

pub(crate) mod erase;
pub(crate) mod flatten;
pub(crate) mod replay;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod server;
pub(crate) mod simulate;
pub(crate) mod sweep;
pub(crate) mod verify;

use bluetick_lake::{Lake, LakeOptions};

/// Which lake a command works on.
#[derive(clap::Args)]
pub(crate) struct LakeArguments {
    /// The lake: s3://bucket/prefix or file:///directory
    #[arg(long = "lake", value_name = "URL", env = "LAKE_URL")]
    url: String,
}

impl LakeArguments {
    pub(crate) fn open(&self) -> Result<Lake, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Lake::open(&self.url, LakeOptions::default())?)
    }
}
