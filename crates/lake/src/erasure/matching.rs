//! Finds the rows of erased persons.
//!
//! An entry covers rows whose event or receipt is from before the request, and every row that was in the lake at the
//! time of the request. If the person writes again later, the new rows are kept.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use super::list::{Entry, EntryList, list_path};
use super::numbers::numbers_in;
use super::person::{Person, USER_ID, WA_ID};
use crate::columns::{event_times, timestamps};
use crate::error::LakeError;
use crate::keys::EVENT_TIME;
use crate::staging::FUTURE_TOLERANCE_MS;
use crate::tables::{Column, ColumnType, STATEMENT_HASH, Table};

/// Maximum number of texts whose search result is cached, so that a repeated text is searched only once.
const MOST_KNOWN: usize = 10_000;

/// How many documents inside each other the search of a body follows: JSON inside a text of JSON, and so on.
const NESTED_DOCUMENTS: usize = 3;

/// The columns that [`Erasures::matches`] reads: the timestamps of a row, its statement hash, and all text columns. A
/// column marked as personal holds a personal identifier itself; any other text, such as a URL or a message id, may
/// contain a phone number.
pub(super) fn searched_columns(table: Table) -> Vec<&'static str> {
    let texts = table.columns().iter().filter(|column| is_text(column)).map(|column| column.name);
    [EVENT_TIME, "received_at", STATEMENT_HASH].into_iter().chain(texts).collect()
}

fn is_text(column: &Column) -> bool {
    matches!(column.kind, ColumnType::String | ColumnType::StringList | ColumnType::StringMap)
}

/// The column with the id of the business message that a row refers to.
fn message_column(table: Table) -> Option<&'static str> {
    match table {
        Table::Clicks | Table::Statuses | Table::Sends => Some("message_id"),
        Table::Messages => Some("context_message_id"),
        Table::AccountEvents => None,
    }
}

/// Whether the table's rows report on a business message. Clicks and inbound messages, in contrast, are acts of the
/// person.
fn is_report(table: Table) -> bool {
    matches!(table, Table::Statuses | Table::Sends)
}

/// The time that decides whether a row is from before a request, in milliseconds since 1970: the earlier of event
/// time and receipt time. A receipt time far before the event time comes from a slow clock and is ignored.
fn erasure_time(event_ts: i64, received_at: i64) -> i64 {
    let is_doubtful = received_at < event_ts.saturating_sub(FUTURE_TOLERANCE_MS);
    if is_doubtful { event_ts } else { event_ts.min(received_at) }
}

/// The erased persons and messages, prepared for matching rows.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Erasures {
    key: Vec<u8>,
    /// Time of the person's latest request (milliseconds since 1970), by the hash of the person.
    until_ms: HashMap<String, i64>,
    /// Hashes of the messages that erased rows referred to.
    messages: HashSet<String>,
    /// Hashes of erased rows whose timestamps are later than the request.
    rows: HashSet<String>,
}

impl fmt::Debug for Erasures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Erasures").field("persons", &self.until_ms.len()).finish_non_exhaustive()
    }
}

impl Erasures {
    pub(crate) fn new(key: Vec<u8>, entries: &[Entry]) -> Self {
        let mut until_ms = HashMap::new();
        for entry in entries {
            let until = until_ms.entry(entry.hash.clone()).or_insert(entry.until_ms);
            *until = entry.until_ms.max(*until);
        }
        let messages = entries.iter().flat_map(|entry| entry.messages.iter().cloned()).collect();
        let rows = entries.iter().flat_map(|entry| entry.rows.iter().cloned()).collect();
        Self { key, until_ms, messages, rows }
    }

    /// Whether the list of erased persons is empty.
    pub fn is_empty(&self) -> bool {
        self.until_ms.is_empty()
    }

    /// Number of erased persons.
    pub fn len(&self) -> usize {
        self.until_ms.len()
    }

    /// The same persons, matching rows of any time.
    pub(crate) fn at_any_time(&self) -> Self {
        let until_ms = self.until_ms.keys().map(|hash| (hash.clone(), i64::MAX)).collect();
        Self { until_ms, ..self.clone() }
    }

    /// The HMAC of a fixed text. It is stored in the list and differs if the list was made with another secret.
    pub(crate) fn key_check(&self) -> String {
        self.hash("check", "erasures")
    }

    /// Rejects a list that was made with another secret. Its hashes would match no person, and commits would
    /// re-insert erased rows.
    pub(crate) fn check_key(&self, list: &EntryList) -> Result<(), LakeError> {
        match &list.key_check {
            Some(check) if *check != self.key_check() => Err(LakeError::Damaged {
                object: list_path().to_string(),
                problem: "it was made with another erasure key than the one in use; set ERASURE_KEY to that key"
                    .to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// The hash of a person as it is stored in the list.
    pub(crate) fn hash_of(&self, person: &Person) -> Result<String, LakeError> {
        let (kind, value) = person.normalised()?;
        Ok(self.hash(kind, &value))
    }

    fn hash(&self, kind: &str, value: &str) -> String {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return String::new() };
        mac.update(kind.as_bytes());
        mac.update(b":");
        mac.update(value.as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }

    /// Matches rows of one person at any time. Used to find all rows that name the person.
    ///
    /// # Errors
    /// [`LakeError::Invalid`] if the phone number or id is malformed.
    pub fn of(person: &Person) -> Result<Self, LakeError> {
        let mut one = Self::default();
        let hash = one.hash_of(person)?;
        one.until_ms.insert(hash, i64::MAX);
        Ok(one)
    }

    /// For each row: true if it belongs to an erased person and is from before the request, or if it reports on an
    /// erased message. `batch` must hold all text columns and both timestamps.
    ///
    /// # Errors
    /// A timestamp column is missing.
    pub fn matches(&self, table: Table, batch: &RecordBatch) -> Result<Vec<bool>, LakeError> {
        let mut erased = vec![false; batch.num_rows()];
        if self.is_empty() {
            return Ok(erased);
        }
        let (event_ts, received_at) = (event_times(batch)?, timestamps(batch, "received_at")?);
        let times: Vec<i64> =
            event_ts.iter().zip(received_at).map(|(event, received)| erasure_time(*event, *received)).collect();
        // Cache results by text: neighbouring rows share most texts (account ids, templates, buttons).
        let mut known: HashMap<String, Option<i64>> = HashMap::new();
        for column in table.columns().iter().filter(|column| is_text(column)) {
            let Some(array) = batch.column_by_name(column.name) else { continue };
            if known.len() > MOST_KNOWN {
                known.clear();
            }
            for (row, (time, erased)) in times.iter().zip(&mut erased).enumerate() {
                for text in texts_at(array, row).filter(|_| !*erased).collect::<Vec<_>>() {
                    let until = match known.get(text) {
                        Some(until) => *until,
                        None => *known.entry(text.to_owned()).or_insert(self.until_of(column.personal, text)),
                    };
                    *erased |= until.is_some_and(|until| *time <= until);
                }
            }
            // Personal columns are also searched for user ids and as JSON, so their cached results are not valid for
            // other columns.
            known.retain(|_, _| !column.personal);
        }
        self.mark_reports(table, batch, &mut erased);
        if !self.rows.is_empty() {
            let hashes = self.row_hashes(table, batch)?;
            erased.iter_mut().zip(hashes).for_each(|(erased, hash)| *erased |= self.rows.contains(&hash));
        }
        Ok(erased)
    }

    /// Searches a whole webhook body for erased persons and messages: every text, number and member name, also of JSON
    /// inside its texts. Returns the time of the latest request that matches, in milliseconds since 1970, or
    /// [`i64::MIN`] if only a message matches. `None` if nothing matches.
    ///
    /// The search finds more than [`Self::matches`] finds in the body's rows, because no row contains the whole body.
    pub fn until_of_body(&self, body: &str) -> Option<i64> {
        if self.is_empty() { None } else { self.until_of_document(body, NESTED_DOCUMENTS) }
    }

    fn until_of_document(&self, text: &str, depth: usize) -> Option<i64> {
        match serde_json::from_str::<Value>(text) {
            Ok(value) => self.until_of_any_value(&value, depth),
            // Not JSON, or nested too deeply: anything between quotation marks may be an identifier.
            Err(_) => {
                let pieces = text.split('"').filter_map(|piece| self.until_of_any_text(piece, 0));
                pieces.max().max(self.until_of_numbers(text))
            }
        }
    }

    fn until_of_any_value(&self, value: &Value, depth: usize) -> Option<i64> {
        match value {
            Value::String(text) => self.until_of_any_text(text, depth),
            Value::Number(number) => self.until_of_any_text(&number.to_string(), 0),
            Value::Array(items) => items.iter().filter_map(|item| self.until_of_any_value(item, depth)).max(),
            Value::Object(entries) => {
                let keys = entries.keys().filter_map(|key| self.until_of_any_text(key, 0));
                keys.chain(entries.values().filter_map(|value| self.until_of_any_value(value, depth))).max()
            }
            Value::Null | Value::Bool(_) => None,
        }
    }

    fn until_of_any_text(&self, text: &str, depth: usize) -> Option<i64> {
        let message = self.messages.contains(&self.message_hash(text)).then_some(i64::MIN);
        let found = message.max(self.until_of_identifier(text)).max(self.until_of_numbers(text));
        match depth.checked_sub(1) {
            Some(depth) if text.trim_start().starts_with(['{', '[']) => found.max(self.until_of_document(text, depth)),
            _ => found,
        }
    }

    /// The hash of each row, over its table, event time and statement hash.
    pub(crate) fn row_hashes(&self, table: Table, batch: &RecordBatch) -> Result<Vec<String>, LakeError> {
        let statements = batch.column_by_name(STATEMENT_HASH).and_then(|column| column.as_primitive_opt::<Int64Type>());
        let statement = |row: usize| statements.filter(|hashes| hashes.is_valid(row)).map(|hashes| hashes.value(row));
        let rows = event_times(batch)?.iter().enumerate();
        Ok(rows.map(|(row, time)| self.short_hash("row", &format!("{table}:{time}:{:?}", statement(row)))).collect())
    }

    fn mark_reports(&self, table: Table, batch: &RecordBatch, erased: &mut [bool]) {
        let column = message_column(table).filter(|_| is_report(table) && !self.messages.is_empty());
        let Some(array) = column.and_then(|name| batch.column_by_name(name)) else { return };
        for (row, erased) in erased.iter_mut().enumerate() {
            *erased |= texts_at(array, row).any(|text| self.messages.contains(&self.message_hash(text)));
        }
    }

    /// The hashes of the messages that the marked rows refer to. Messages to a group are left out, because they do
    /// not belong to one person.
    pub(crate) fn messages_of(&self, table: Table, batch: &RecordBatch, marked: &[bool]) -> BTreeSet<String> {
        let column = |name: &str| batch.column_by_name(name);
        let Some(array) = message_column(table).and_then(column) else { return BTreeSet::new() };
        let is_group = |row: usize| column("group_id").is_some_and(|groups| texts_at(groups, row).next().is_some());
        let rows = marked.iter().enumerate().filter(|(row, marked)| **marked && !is_group(*row));
        rows.flat_map(|(row, _)| texts_at(array, row)).map(|text| self.message_hash(text)).collect()
    }

    fn message_hash(&self, id: &str) -> String {
        self.short_hash("message", id)
    }

    /// A hash shortened to 64 bits, which distinguish messages and rows well enough and keep the list short.
    fn short_hash(&self, kind: &str, value: &str) -> String {
        let mut hash = self.hash(kind, value);
        hash.truncate(16);
        hash
    }

    /// The time of the latest request that matches an identifier in the text; `None` if none matches.
    fn until_of(&self, personal: bool, text: &str) -> Option<i64> {
        let numbers = self.until_of_numbers(text);
        if personal { numbers.max(self.until_of_personal(text)) } else { numbers }
    }

    /// As [`Self::until_of`] for a personal column, which holds an identifier itself or JSON that contains
    /// identifiers.
    fn until_of_personal(&self, text: &str) -> Option<i64> {
        match serde_json::from_str::<Value>(text) {
            Ok(value @ (Value::Array(_) | Value::Object(_))) => self.until_of_value(&value),
            _ => self.until_of_identifier(text),
        }
    }

    fn until_of_value(&self, value: &Value) -> Option<i64> {
        match value {
            Value::String(text) => self.until_of_identifier(text).max(self.until_of_numbers(text)),
            Value::Number(number) => self.until_of_identifier(&number.to_string()),
            Value::Array(items) => items.iter().filter_map(|item| self.until_of_value(item)).max(),
            Value::Object(entries) => {
                let keys = entries.keys().filter_map(|key| self.until_of_identifier(key));
                keys.chain(entries.values().filter_map(|value| self.until_of_value(value))).max()
            }
            Value::Null | Value::Bool(_) => None,
        }
    }

    fn until_of_identifier(&self, text: &str) -> Option<i64> {
        let text = text.trim();
        [USER_ID, WA_ID].into_iter().filter_map(|kind| self.until_ms.get(&self.hash(kind, text)).copied()).max()
    }

    fn until_of_numbers(&self, text: &str) -> Option<i64> {
        let numbers = numbers_in(text);
        numbers.iter().filter_map(|number| self.until_ms.get(&self.hash(WA_ID, number)).copied()).max()
    }
}

/// The texts of a column in one row: the value itself, the items of a list, the keys and values of a map, or none if
/// null.
fn texts_at(array: &ArrayRef, row: usize) -> impl Iterator<Item = &str> {
    let range = |offsets: &[i32]| match (offsets.get(row), offsets.get(row + 1)) {
        (Some(start), Some(end)) if array.is_valid(row) => *start as usize..*end as usize,
        _ => 0..0,
    };
    let (arrays, rows) = if let Some(list) = array.as_list_opt::<i32>() {
        (vec![list.values()], range(list.value_offsets()))
    } else if let Some(map) = array.as_map_opt() {
        (vec![map.keys(), map.values()], range(map.value_offsets()))
    } else {
        (vec![array], row..row + 1)
    };
    let texts = arrays.into_iter().filter_map(|array| array.as_string_opt::<i32>());
    let texts = texts.flat_map(move |texts| rows.clone().map(move |row| (texts, row)));
    texts.filter(|(texts, row)| *row < texts.len() && texts.is_valid(*row)).map(|(texts, row)| texts.value(row))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{StringArray, TimestampMillisecondArray};

    use super::*;

    fn erasures(persons: &[Person]) -> Erasures {
        let empty = Erasures::new(b"secret".to_vec(), &[]);
        let entries: Vec<_> = persons
            .iter()
            .map(|person| Entry {
                hash: empty.hash_of(person).unwrap(),
                until_ms: 1000,
                seen_ms: None,
                confirmed: false,
                messages: BTreeSet::new(),
                rows: BTreeSet::new(),
            })
            .collect();
        Erasures::new(b"secret".to_vec(), &entries)
    }

    fn rows(name: &str, texts: &[Option<&str>], event_ts: i64) -> RecordBatch {
        let times = || {
            let times = TimestampMillisecondArray::from(vec![event_ts; texts.len()]);
            Arc::new(times.with_timezone("UTC")) as ArrayRef
        };
        let texts: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
        RecordBatch::try_from_iter([("event_ts", times()), ("received_at", times()), (name, texts)]).unwrap()
    }

    #[test]
    fn identifiers_are_found_in_every_personal_column() {
        let erasures = erasures(&[Person::WaId("+49 170-1234567".into()), Person::UserId(" u.1 ".into())]);
        let texts = [Some("491701234567"), Some("491701234568"), None, Some("u.1")];
        for column in ["wa_id", "user_id"] {
            let matches = |time| erasures.matches(Table::AccountEvents, &rows(column, &texts, time)).unwrap();
            assert_eq!(matches(1000), [true, false, false, true], "{column}");
            assert_eq!(matches(1001), [false; 4], "a new contact");
        }
    }

    #[test]
    fn a_pseudonym_is_taken_as_it_is() {
        let hash = "AB".repeat(32);
        let erasures = erasures(&[Person::WaId(hash.clone())]);
        assert_eq!(
            erasures.matches(Table::AccountEvents, &rows("wa_id", &[Some(&hash.to_lowercase())], 1)).unwrap(),
            [true]
        );
    }

    #[test]
    fn whole_bodies_are_searched() {
        let empty = Erasures::new(b"secret".to_vec(), &[]);
        let entry = |person: &Person, until_ms, messages: &[&str]| Entry {
            hash: empty.hash_of(person).unwrap(),
            until_ms,
            messages: messages.iter().map(|id| empty.message_hash(id)).collect(),
            ..Entry::default()
        };
        let erasures = Erasures::new(
            b"secret".to_vec(),
            &[
                entry(&Person::WaId("491701234567".into()), 1000, &["3EB0A"]),
                entry(&Person::UserId("u.1".into()), 2000, &[]),
            ],
        );
        let inner = serde_json::json!({"from": {"user_id": "u.1"}}).to_string();
        let nested = serde_json::json!({"data": inner}).to_string();
        let twice = serde_json::json!({"data": nested}).to_string();
        for (body, expected) in [
            (r#"{"text":{"body":"call me: +49 170 1234567"}}"#, Some(1000)),
            (r#"{"unknown_field":[{"wa":491701234567}]}"#, Some(1000)),
            (r#"{"id":"wamid.HBgMNDkxNzAxMjM0NTY3FQIAERgSQjYxRjk5RDBFMkJDQkY5NEY4AA=="}"#, Some(1000)),
            (r#"{"u.1":true}"#, Some(2000)),
            (r#"{"a":"491701234567","b":"u.1"}"#, Some(2000)),
            (&nested, Some(2000)),
            (&twice, Some(2000)),
            (r#"{"key":{"id":"3EB0A"}}"#, Some(i64::MIN)),
            (r#"{"id":"3EB0A","to":"491701234567"}"#, Some(1000)),
            (r#"cut off {"user_id":"u.1","x"#, Some(2000)),
            ("491701234567 and no JSON", Some(1000)),
            (r#"{"id":"3EB0B","to":"491701234568","user":"u.12"}"#, None),
            ("", None),
        ] {
            assert_eq!(erasures.until_of_body(body), expected, "{body}");
        }
        assert_eq!(empty.until_of_body(r#"{"to":"491701234567"}"#), None);
    }

    #[test]
    fn payloads_are_searched() {
        let erasures = erasures(&[Person::WaId("491701234567".into()), Person::UserId("u.1".into())]);
        let payloads = [
            (r#"{"from":"491701234567"}"#, true),
            (r#"{"from":491701234567}"#, true),
            (r#"{"from":"491701234567@s.whatsapp.net"}"#, true),
            (r#"{"from":"+49 170 1234567"}"#, true),
            (r#"{"a":[{"b":"u.1"}]}"#, true),
            (r#"{"a":"u.12"}"#, false),
            (r#"{"from":"4917012345670"}"#, false),
            ("not json 491701234567 at all", true),
            ("not json", false),
        ];
        for (payload, expected) in payloads {
            for column in ["payload", "user_id"] {
                assert_eq!(
                    erasures.matches(Table::AccountEvents, &rows(column, &[Some(payload)], 1)).unwrap(),
                    [expected],
                    "{payload}"
                );
            }
        }
        assert_eq!(
            erasures.matches(Table::AccountEvents, &rows("url", &[Some("491701234567")], 1)).unwrap(),
            [false],
            "not a personal column"
        );
    }
}
