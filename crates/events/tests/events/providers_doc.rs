//! For each fixture, `docs/providers.md` lists the tables and columns that its records fill. `BLESS=1` rewrites these
//! cells. A new fixture first needs a row that describes its shape.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::support::fixtures;
use bluetick_events::Record;
use serde_json::Value;

/// Columns that the cells leave out, because every record has them, or every record of `account_events` (`event_id`).
/// `sends.event_id` is another column of that name and is listed.
const ALWAYS: [&str; 6] = ["table", "event_ts", "provider", "received_at", "event_id", "dt"];

#[test]
fn the_table_of_shapes_fits_the_fixtures() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/providers.md");
    let text = fs::read_to_string(&path).unwrap();
    let mut cells: BTreeMap<String, String> =
        fixtures().iter().map(|fixture| (fixture.name.clone(), tables_and_columns(&fixture.records()))).collect();
    let mut wrong = Vec::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        let row: Vec<_> = line.split(" | ").collect();
        let name = row.last().and_then(|cell| cell.strip_prefix('`')?.strip_suffix("` |"));
        let (Some(name), [provider, shape, stated, fixture]) = (name, row.as_slice()) else {
            lines.push(line.to_owned());
            continue;
        };
        let cell = cells.remove(name).unwrap_or_else(|| panic!("no fixture is named {name}, or two rows name it"));
        assert!(name.starts_with(provider.trim_start_matches("| ")), "{name} stands under {provider}");
        if cell != *stated {
            wrong.push(format!("{name}: it says {stated}, but records fill {cell}"));
        }
        lines.push([provider, shape, cell.as_str(), fixture].join(" | "));
    }
    assert!(cells.is_empty(), "docs/providers.md has no row for {:?}", cells.keys());
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, lines.join("\n") + "\n").unwrap();
    } else {
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

/// For each table, lists the columns that at least one record fills. Kinds, statuses, types and preferences are listed
/// with their values.
fn tables_and_columns(records: &[Record]) -> String {
    let mut tables: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for record in records {
        let columns = tables.entry(record.table()).or_default();
        let Value::Object(filled) = serde_json::to_value(record).unwrap() else { panic!("a record is not an object") };
        for (name, value) in filled {
            let column = match name.as_str() {
                name if ALWAYS.contains(&name) && !(name == "event_id" && record.table() == "sends") => continue,
                "kind" | "status" | "type" | "preference" => format!("{name} `{}`", value.as_str().unwrap()),
                other => other.to_owned(),
            };
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
    }
    let tables = tables.iter().map(|(table, columns)| format!("**{table}**: {}", columns.join(", ")));
    tables.collect::<Vec<_>>().join("; ")
}
