//! Checks the formatting of the provider modules. `cargo fmt` does not find them, because a macro declares them.

use std::path::{Path, PathBuf};
use std::process::Command;

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

#[test]
fn the_providers_are_formatted() {
    let files = rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/providers"));
    assert!(files.len() >= bluetick_events::Provider::ALL.len(), "{files:?}");
    let output = Command::new("rustfmt").args(["--check", "--edition", "2024"]).args(&files).output().unwrap();
    let difference = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "run: rustfmt --edition 2024 crates/events/src/providers/*.rs\n{difference}");
}
