//! Checks that the generated files of `sql/` equal the output of `bluetick schema --write`.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The generated files in a directory, by name.
fn generated(directory: &Path) -> BTreeMap<String, String> {
    let ddl = fs::read_dir(directory.join("ddl")).unwrap().map(|entry| entry.unwrap().path());
    let paths = ddl.chain([directory.join("schema.json")]);
    let files = paths.map(|path| {
        let name = path.strip_prefix(directory).unwrap().display().to_string();
        (name, fs::read_to_string(path).unwrap())
    });
    // The statement that creates the database names no column, so it is written by hand.
    files.filter(|(name, _)| name != "ddl/database.sql").collect()
}

#[test]
fn generated_files_are_fresh() {
    let new = tempfile::tempdir().unwrap();
    let bluetick = Command::new(env!("CARGO_BIN_EXE_bluetick")).arg("schema").arg("--write").arg(new.path()).output();
    assert!(bluetick.unwrap().status.success());
    let stored = generated(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sql"));
    let new = generated(new.path());
    let names: Vec<_> = new.keys().collect();
    assert_eq!(stored.keys().collect::<Vec<_>>(), names, "generated files of sql/: run `make generate`");
    for (name, text) in &new {
        assert_eq!(stored.get(name), Some(text), "sql/{name} is stale: run `make generate`");
    }
}
