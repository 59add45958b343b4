#![allow(dead_code)] // Each test binary uses a part of it.

//! Fixtures: bodies as providers send them, one file per shape of event.

use std::fs;
use std::path::{Path, PathBuf};

use bluetick_events::{Options, Provider, Record, flatten};

/// The time of receipt of all fixtures: 2026-11-20T12:00:00Z.
pub(crate) const RECEIVED_AT: i64 = 1_795_176_000_000;

/// A webhook body and its file.
pub(crate) struct Fixture {
    pub(crate) provider: Provider,
    /// `<provider>/<name>`.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) body: Vec<u8>,
}

impl Fixture {
    /// The records of the body. Panics if it cannot be parsed.
    pub(crate) fn records(&self) -> Vec<Record> {
        match flatten(self.provider, &self.body, RECEIVED_AT, &Options::default()) {
            Ok(flattened) => flattened.records,
            Err(reason) => panic!("{} cannot be read: {reason}", self.name),
        }
    }
}

/// Every fixture, by provider and name.
pub(crate) fn fixtures() -> Vec<Fixture> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut fixtures = Vec::new();
    for provider in Provider::ALL {
        for file in fs::read_dir(root.join(provider.name())).unwrap() {
            let path = file.unwrap().path();
            let file_name = path.file_name().unwrap().to_str().unwrap();
            let Some(name) = file_name.strip_suffix(".json").filter(|name| !name.ends_with(".records")) else {
                continue;
            };
            let name = format!("{provider}/{name}");
            fixtures.push(Fixture { provider, name, body: fs::read(&path).unwrap(), path });
        }
    }
    fixtures.sort_by(|a, b| (a.provider, &a.name).cmp(&(b.provider, &b.name)));
    assert!(fixtures.len() > 100, "only {} fixtures found", fixtures.len());
    fixtures
}
