//! The records of the adapters have the columns of the lake's tables, in their order.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeSet;
use std::path::Path;

use bluetick_events::{Options, Provider, flatten};
use bluetick_lake::Table;

/// The names of a JSON object's members in the order in which they are written. No value of a record holds an object.
fn names(json: &str) -> Vec<String> {
    let pairs: Vec<(usize, &str)> = json.match_indices("\":").collect();
    pairs
        .iter()
        .filter_map(|(end, _)| {
            let start = json[..*end].rfind('"')? + 1;
            matches!(json.as_bytes()[start - 2], b'{' | b',').then(|| json[start..*end].to_owned())
        })
        .collect()
}

#[test]
fn records_have_the_columns_of_their_table() {
    let bodies = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/bodies");
    let mut seen = BTreeSet::new();
    for entry in std::fs::read_dir(bodies).unwrap() {
        let path = entry.unwrap().path();
        let provider: Provider =
            path.file_stem().unwrap().to_str().unwrap().split('_').next().unwrap().parse().unwrap();
        for record in
            flatten(provider, &std::fs::read(&path).unwrap(), 1_791_590_400_000, &Options::default()).unwrap().records
        {
            let table: Table = record.table().parse().unwrap();
            let columns = table.columns().map(|column| column.name);
            let expected: Vec<&str> = ["table"].into_iter().chain(columns).chain(["dt"]).collect();
            let mut found = names(&record.to_full_json().to_string());
            // The payload of an account event is JSON in a string, whose names are escaped.
            found.retain(|name| !name.ends_with('\\'));
            assert_eq!(found, expected, "{}", path.display());
            seen.insert(table);
        }
    }
    assert_eq!(seen, BTreeSet::from(Table::ALL), "the samples have every table");
}
