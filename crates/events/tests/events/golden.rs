//! Every fixture yields exactly the records in the file next to it. `BLESS=1 cargo test -p bluetick-events --test
//! events` rewrites these files; review the difference before committing it.

use std::fs;

use crate::support::fixtures;

#[test]
fn fixtures_give_their_records() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut differences = Vec::new();
    for fixture in fixtures() {
        let records = fixture.records();
        let rows: Vec<_> = records.iter().map(|record| record.to_full_json()).collect();
        let found = serde_json::to_string_pretty(&rows).unwrap() + "\n";
        let path = fixture.path.with_extension("records.json");
        if bless {
            fs::write(&path, &found).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if found != expected {
            differences.push(format!("== {}\n{}", fixture.name, difference(&expected, &found)));
        }
    }
    assert!(differences.is_empty(), "{} fixtures differ:\n{}", differences.len(), differences.join("\n"));
}

/// The lines that only one side contains, in order.
fn difference(expected: &str, found: &str) -> String {
    let mut lines = Vec::new();
    let (expected, found): (Vec<_>, Vec<_>) = (expected.lines().collect(), found.lines().collect());
    let mut after = 0;
    for line in &expected {
        match found.iter().skip(after).position(|other| other == line) {
            Some(skipped) => {
                lines.extend(found.iter().skip(after).take(skipped).map(|line| format!("+{line}")));
                after += skipped + 1;
            }
            None => lines.push(format!("-{line}")),
        }
    }
    lines.extend(found.iter().skip(after).map(|line| format!("+{line}")));
    lines.join("\n")
}

#[test]
fn every_records_file_has_a_body() {
    let bodies: Vec<_> = fixtures().into_iter().map(|fixture| fixture.path.with_extension("records.json")).collect();
    for directory in bodies.iter().map(|path| path.parent().unwrap()) {
        for file in fs::read_dir(directory).unwrap() {
            let path = file.unwrap().path();
            let is_records = path.to_str().unwrap().ends_with(".records.json");
            assert!(!is_records || bodies.contains(&path), "{} has no body", path.display());
        }
    }
}
