//! Finds the rows of erased persons.
//!
//! An entry of the list covers rows from before the request, by event time or by receipt. A person who writes again
//! later is a new contact.

use std::collections::HashMap;
use std::fmt;

use arrow::array::{AsArray, RecordBatch, StringArray};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use super::list::{Entry, EntryList, list_path};
use super::person::{Person, USER_ID, WA_ID};
use crate::columns::{event_times, timestamps};
use crate::error::LakeError;
use crate::keys::EVENT_TIME;
use crate::tables::Table;

/// Digits of a phone number (E.164 has up to 15). Shorter runs of digits in a text are no phone number.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Whether a column of this name holds personal data in any table.
fn is_personal(name: &str) -> bool {
    Table::ALL.iter().flat_map(|table| table.columns()).any(|column| column.personal && column.name == name)
}

/// The columns that [`Erasures::matches`] reads: the times of a row, and all personal data.
pub(super) fn searched_columns(table: Table) -> Vec<&'static str> {
    let personal = table.columns().iter().filter(|column| column.personal).map(|column| column.name);
    [EVENT_TIME, "received_at"].into_iter().chain(personal).collect()
}

/// Erased persons.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Erasures {
    key: Vec<u8>,
    until_ms: HashMap<String, i64>,
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
        Self { key, until_ms }
    }

    /// Whether no person was erased.
    pub fn is_empty(&self) -> bool {
        self.until_ms.is_empty()
    }

    /// Number of erased persons.
    pub fn len(&self) -> usize {
        self.until_ms.len()
    }

    /// The hash by which the list recognises its secret.
    pub(crate) fn key_check(&self) -> String {
        self.hash("check", "erasures")
    }

    /// Refuses a list that was made with another secret: no hash would match, and commits would re-insert erased
    /// persons.
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

    /// The hash of a person, as in the list.
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

    /// One person, at any time: to find rows that name the person.
    ///
    /// # Errors
    /// [`LakeError::Invalid`] for a number or id that cannot be one.
    pub fn of(person: &Person) -> Result<Self, LakeError> {
        let mut one = Self::default();
        let hash = one.hash_of(person)?;
        one.until_ms.insert(hash, i64::MAX);
        Ok(one)
    }

    /// Whether commits leave out a row with these people, and with these texts in other columns with personal data,
    /// that happened, or was received, at `time_ms` (milliseconds since 1970, the earlier of both).
    pub fn forgets(&self, wa_id: Option<&str>, user_id: Option<&str>, others: &[Option<&str>], time_ms: i64) -> bool {
        let known = |kind, text: &str| self.until_ms.get(&self.hash(kind, text)).copied();
        let people = [wa_id.and_then(|text| known(WA_ID, text)), user_id.and_then(|text| known(USER_ID, text))];
        let others = others.iter().map(|text| text.and_then(|text| self.until_of_payload(text)));
        people.into_iter().chain(others).flatten().any(|until| time_ms <= until)
    }

    /// For each row: whether it is of an erased person, and from before the request.
    pub(crate) fn matches(&self, batch: &RecordBatch) -> Result<Vec<bool>, LakeError> {
        let mut erased = vec![false; batch.num_rows()];
        if self.is_empty() {
            return Ok(erased);
        }
        let (event_ts, received_at) = (event_times(batch)?, timestamps(batch, "received_at")?);
        let times: Vec<i64> = event_ts.iter().zip(received_at).map(|(event, received)| *event.min(received)).collect();
        let texts = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        for field in batch.schema().fields().iter().filter(|field| is_personal(field.name())) {
            let Some(column) = texts(field.name()) else { continue };
            let kind = [WA_ID, USER_ID].into_iter().find(|kind| kind == field.name());
            self.mark(column, &times, &mut erased, |text| match kind {
                Some(kind) => self.until_ms.get(&self.hash(kind, text)).copied(),
                None => self.until_of_payload(text),
            });
        }
        Ok(erased)
    }

    fn mark(&self, column: &StringArray, times: &[i64], erased: &mut [bool], until: impl Fn(&str) -> Option<i64>) {
        for ((text, time), erased) in column.iter().zip(times).zip(erased) {
            if !*erased && let Some(text) = text {
                *erased = until(text).is_some_and(|until| *time <= until);
            }
        }
    }

    /// The moment of the latest request that matches a text of the payload, or a run of digits in it.
    fn until_of_payload(&self, payload: &str) -> Option<i64> {
        match serde_json::from_str::<Value>(payload) {
            // A number's digits are taken from the text: parsing could round them.
            Ok(Value::Number(_)) | Err(_) => self.until_of_text(payload),
            Ok(value) => self.until_of_value(&value),
        }
    }

    fn until_of_value(&self, value: &Value) -> Option<i64> {
        match value {
            Value::String(text) => self.until_of_text(text),
            Value::Number(number) => self.until_of_text(&number.to_string()),
            Value::Array(items) => items.iter().filter_map(|item| self.until_of_value(item)).max(),
            Value::Object(entries) => {
                let keys = entries.keys().filter_map(|key| self.until_of_text(key));
                keys.chain(entries.values().filter_map(|value| self.until_of_value(value))).max()
            }
            Value::Null | Value::Bool(_) => None,
        }
    }

    fn until_of_text(&self, text: &str) -> Option<i64> {
        let text = text.trim();
        let whole = [(USER_ID, text), (WA_ID, text)].map(|(kind, text)| self.hash(kind, text));
        let runs = text.split(|c: char| !c.is_ascii_digit()).filter(|run| PHONE_DIGITS.contains(&run.len()));
        let runs = runs.map(|run| self.hash(WA_ID, run));
        // "+49 170 1234567": a number written with spaces or dashes is the text's digits as a whole.
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let written = text.len() <= 32 && PHONE_DIGITS.contains(&digits.len());
        let joined = written.then(|| self.hash(WA_ID, &digits));
        whole.into_iter().chain(runs).chain(joined).filter_map(|hash| self.until_ms.get(&hash).copied()).max()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::TimestampMillisecondArray;

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
            })
            .collect();
        Erasures::new(b"secret".to_vec(), &entries)
    }

    fn rows(name: &str, texts: &[Option<&str>], event_ts: i64) -> RecordBatch {
        let times = || {
            let times = TimestampMillisecondArray::from(vec![event_ts; texts.len()]);
            Arc::new(times.with_timezone("UTC")) as arrow::array::ArrayRef
        };
        let texts: arrow::array::ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
        RecordBatch::try_from_iter([("event_ts", times()), ("received_at", times()), (name, texts)]).unwrap()
    }

    #[test]
    fn columns_are_compared_as_they_are() {
        let erasures = erasures(&[Person::WaId("+49 170-1234567".into()), Person::UserId(" u.1 ".into())]);
        let texts = [Some("491701234567"), Some("491701234568"), None, Some("u.1")];
        assert_eq!(erasures.matches(&rows("wa_id", &texts, 1000)).unwrap(), [true, false, false, false]);
        assert_eq!(erasures.matches(&rows("user_id", &texts, 1000)).unwrap(), [false, false, false, true]);
        assert_eq!(erasures.matches(&rows("wa_id", &texts, 1001)).unwrap(), [false; 4], "a new contact");
    }

    #[test]
    fn a_pseudonym_is_taken_as_it_is() {
        let hash = "AB".repeat(32);
        let erasures = erasures(&[Person::WaId(hash.clone())]);
        assert_eq!(erasures.matches(&rows("wa_id", &[Some(&hash.to_lowercase())], 1)).unwrap(), [true]);
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
            for column in ["payload", "participant", "response_json"] {
                assert_eq!(erasures.matches(&rows(column, &[Some(payload)], 1)).unwrap(), [expected], "{payload}");
            }
        }
        assert_eq!(
            erasures.matches(&rows("url", &[Some("491701234567")], 1)).unwrap(),
            [false],
            "not a personal column"
        );
    }
}
