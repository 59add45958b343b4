//! Reads the rows of an export: CSV with a header, or NDJSON.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde_json::{Map, Value};

/// A row: values by column name. Columns without a value are left out.
pub(crate) type Row = BTreeMap<String, Value>;

/// A row that could not be parsed.
#[derive(Debug)]
pub(crate) struct BadRow {
    /// The parse error.
    pub(crate) reason: String,
    /// The text of the row, with bytes that are not UTF-8 replaced.
    pub(crate) text: String,
}

/// The marker for a missing value in exports of PostgreSQL and MySQL.
const NO_VALUE: &str = "\\N";

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Calls `take` for each row of a CSV file. The first line names the columns; `check` may reject them.
///
/// # Errors
/// The file cannot be read, `check` rejects its columns, or `take` fails.
pub(crate) fn csv(
    path: &Path,
    check: impl FnOnce(&[&str]) -> Result<(), String>,
    mut take: impl FnMut(Result<Row, BadRow>) -> Result<(), BoxError>,
) -> Result<(), BoxError> {
    let in_file = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let mut records = Records::new(BufReader::new(File::open(path).map_err(|error| in_file(&error))?));
    let header = records.next().map_err(|error| in_file(&error))?;
    let names: Vec<String> = header
        .unwrap_or_default()
        .iter()
        // Excel writes a byte order mark at the start of the file.
        .map(|name| String::from_utf8_lossy(name).trim_start_matches('\u{feff}').trim().to_owned())
        .collect();
    check(&names.iter().map(String::as_str).collect::<Vec<_>>()).map_err(|error| in_file(&error))?;
    while let Some(cells) = records.next().map_err(|error| in_file(&error))? {
        take(csv_row(&names, &cells))?;
    }
    Ok(())
}

fn csv_row(names: &[String], cells: &[Vec<u8>]) -> Result<Row, BadRow> {
    let bad = |reason: String| {
        let texts: Vec<_> = cells.iter().map(|cell| String::from_utf8_lossy(cell)).collect();
        BadRow { reason, text: texts.join(",") }
    };
    if cells.len() != names.len() {
        return Err(bad(format!("the row has {} values, the header {} names", cells.len(), names.len())));
    }
    let mut row = Row::new();
    for (name, cell) in names.iter().zip(cells) {
        let text = std::str::from_utf8(cell).map_err(|_| bad(format!("{name} is not UTF-8")))?.trim();
        if !text.is_empty() && text != NO_VALUE {
            row.insert(name.clone(), text.into());
        }
    }
    Ok(row)
}

/// The records of a CSV file (RFC 4180). Quoted values may contain commas and line breaks.
struct Records<R> {
    file: R,
    parser: csv_core::Reader,
}

impl<R: BufRead> Records<R> {
    fn new(file: R) -> Self {
        Self { file, parser: csv_core::Reader::new() }
    }

    /// The values of the next record; `None` at the end of the file. Blank lines are skipped.
    fn next(&mut self) -> std::io::Result<Option<Vec<Vec<u8>>>> {
        let (mut cells, mut cell) = (Vec::new(), Vec::new());
        let mut room = [0; 4096];
        loop {
            let input = self.file.fill_buf()?;
            let (result, read, written) = self.parser.read_field(input, &mut room);
            self.file.consume(read);
            cell.extend(room.iter().take(written));
            match result {
                csv_core::ReadFieldResult::Field { record_end } => {
                    cells.push(std::mem::take(&mut cell));
                    if record_end {
                        return Ok(Some(cells));
                    }
                }
                csv_core::ReadFieldResult::End => return Ok(None),
                csv_core::ReadFieldResult::InputEmpty | csv_core::ReadFieldResult::OutputFull => {}
            }
        }
    }
}

/// Calls `take` for each object of an NDJSON file. Blank lines are skipped.
///
/// # Errors
/// The file cannot be read, or `take` fails.
pub(crate) fn ndjson(
    path: &Path,
    mut take: impl FnMut(Result<Row, BadRow>) -> Result<(), BoxError>,
) -> Result<(), BoxError> {
    let in_file = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut reader = BufReader::new(File::open(path).map_err(in_file)?);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).map_err(in_file)? > 0 {
        let text = line.trim_ascii();
        if !text.is_empty() {
            take(ndjson_row(text))?;
        }
        line.clear();
    }
    Ok(())
}

fn ndjson_row(line: &[u8]) -> Result<Row, BadRow> {
    let object: Map<String, Value> = serde_json::from_slice(line).map_err(|error| BadRow {
        reason: format!("not a JSON object: {error}"),
        text: String::from_utf8_lossy(line).into_owned(),
    })?;
    let has_value = |value: &Value| !value.is_null() && value.as_str() != Some("");
    Ok(object.into_iter().filter(|(_, value)| has_value(value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &[u8]) -> Vec<Result<Row, BadRow>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let mut rows = Vec::new();
        let take = |row| {
            rows.push(row);
            Ok(())
        };
        csv(file.path(), |_| Ok(()), take).unwrap();
        rows
    }

    #[test]
    fn a_row_keeps_only_values() {
        let rows = read("\u{feff}id, name ,note\n1,\"a, \"\"b\"\"\nc\",\\N\n2,,x\n".as_bytes());
        let texts: Vec<String> = rows.into_iter().map(|row| serde_json::to_string(&row.unwrap()).unwrap()).collect();
        assert_eq!(texts, [r#"{"id":"1","name":"a, \"b\"\nc"}"#, r#"{"id":"2","note":"x"}"#]);
    }

    #[test]
    fn a_bad_row_does_not_take_its_neighbours_along() {
        let rows = read(b"id,name\n1,a,b\n\xff,x\n3,c\n");
        let reasons: Vec<Option<&str>> =
            rows.iter().map(|row| row.as_ref().err().map(|bad| bad.reason.as_str())).collect();
        assert_eq!(reasons, [Some("the row has 3 values, the header 2 names"), Some("id is not UTF-8"), None]);
    }

    #[test]
    fn lines_that_are_no_object_are_bad_rows() {
        assert!(ndjson_row(b"[1]").unwrap_err().reason.starts_with("not a JSON object"));
        assert_eq!(ndjson_row(br#"{"a":1,"b":null,"c":""}"#).unwrap().len(), 1);
    }
}
