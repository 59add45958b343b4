//! Whom to forget: a list of keyed hashes, consulted by every commit, so that a replay brings no one back.
//!
//! The list holds no number and no id, only HMAC-SHA256 under a secret. The secret is `erasures/key`, random and made
//! once, or (better, because then the lake alone does not suffice to try all phone numbers) the operator's own, passed as
//! [`crate::LakeOptions::erasure_key`]. It must never change: a list hashed with another secret matches nobody.
//!
//! An entry covers what happened, or was received, up to the moment of the request. Someone who writes again afterwards
//! is a new contact.

use std::collections::HashMap;
use std::fmt;

use arrow::array::{AsArray, RecordBatch, StringArray};
use hmac::{Hmac, KeyInit, Mac};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::Sha256;

use crate::batch::{EVENT_TIME, event_times, timestamps};
use crate::error::LakeError;
use crate::lake::Lake;
use crate::tables::Table;

/// Digits of a phone number at least and at most (E.164 has up to 15); shorter runs of digits in a payload are no number.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Digits of what columns may hold as a number: whatever providers send for one is stored, and must be erasable.
const STORED_DIGITS: std::ops::RangeInclusive<usize> = 1..=20;

/// Someone, as columns name them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Person {
    /// By phone number (as it is written, or as a JID), or by its keyed hash of 64 hexadecimal digits.
    WaId(String),
    /// By business-scoped user id.
    UserId(String),
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Person::WaId(_) => "WaId(…)",
            Person::UserId(_) => "UserId(…)",
        })
    }
}

impl Person {
    /// Its kind and its value as columns hold it.
    fn normalised(&self) -> Result<(&'static str, String), LakeError> {
        match self {
            Person::WaId(text) => {
                let text = text.trim();
                if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return Ok((WA_ID, text.to_ascii_lowercase()));
                }
                // 491701234567:12@s.whatsapp.net: what follows the number names a device and a server.
                let number = text.split(['@', ':']).next().unwrap_or_default();
                let digits: String = number.chars().filter(char::is_ascii_digit).collect();
                let is_number = number.chars().all(|c| c.is_ascii_digit() || "+-() .\u{a0}".contains(c));
                if !is_number || !STORED_DIGITS.contains(&digits.len()) {
                    return Err(LakeError::Invalid("a phone number has 1 to 20 digits, its hash 64".to_owned()));
                }
                Ok((WA_ID, digits))
            }
            Person::UserId(text) if text.trim().is_empty() => {
                Err(LakeError::Invalid("the user id is empty".to_owned()))
            }
            Person::UserId(text) => Ok((USER_ID, text.trim().to_owned())),
        }
    }
}

const WA_ID: &str = "wa_id";
const USER_ID: &str = "user_id";

/// Whether a column of this name holds personal data in any table.
fn is_personal(name: &str) -> bool {
    Table::ALL.iter().flat_map(|table| table.columns()).any(|column| column.personal && column.name == name)
}

/// The columns that [`Erasures::matches`] reads: the times of a row, and all personal data.
pub(crate) fn searched_columns(table: Table) -> Vec<&'static str> {
    let personal = table.columns().iter().filter(|column| column.personal).map(|column| column.name);
    [EVENT_TIME, "received_at"].into_iter().chain(personal).collect()
}

/// One person to forget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// HMAC of kind and value, hexadecimal.
    pub(crate) hash: String,
    /// Milliseconds since 1970: the moment of the request.
    pub(crate) until_ms: i64,
    /// When somebody first read the entry in the list: whoever began to write before may not know it. Never the moment of
    /// its writing, for a request may be stopped on its way for any time.
    #[serde(default)]
    pub(crate) seen_ms: Option<i64>,
    /// A pass over the lake ended that began when no writer could still publish without knowing the entry.
    #[serde(default)]
    pub(crate) confirmed: bool,
}

/// The list as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EntryList {
    #[serde(default)]
    pub(crate) entries: Vec<Entry>,
    /// A hash that only the right secret gives.
    #[serde(default)]
    pub(crate) key_check: Option<String>,
}

/// Persons to forget.
#[derive(Clone, Default)]
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

    /// Whether nobody is to be forgotten.
    pub fn is_empty(&self) -> bool {
        self.until_ms.is_empty()
    }

    /// Number of persons to forget.
    pub fn len(&self) -> usize {
        self.until_ms.len()
    }

    /// What the list keeps to recognise the secret by.
    pub(crate) fn key_check(&self) -> String {
        self.hash("check", "erasures")
    }

    /// Refuses a list that was hashed with another secret: it would match nobody, and bring everybody back.
    pub(crate) fn check_key(&self, list: &EntryList) -> Result<(), LakeError> {
        match &list.key_check {
            Some(check) if *check != self.key_check() => Err(LakeError::Damaged {
                object: list_path().to_string(),
                problem: "it was made with another erasure key than the one in use".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// The entry's hash of a person.
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
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// For each row: whether it is about someone to forget, and from before the request.
    pub(crate) fn matches(&self, batch: &RecordBatch) -> Result<Vec<bool>, LakeError> {
        let mut forget = vec![false; batch.num_rows()];
        if self.is_empty() {
            return Ok(forget);
        }
        let (event_ts, received_at) = (event_times(batch)?, timestamps(batch, "received_at")?);
        let times: Vec<i64> = event_ts.iter().zip(received_at).map(|(event, received)| *event.min(received)).collect();
        let texts = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        for field in batch.schema().fields().iter().filter(|field| is_personal(field.name())) {
            let Some(column) = texts(field.name()) else { continue };
            let kind = [WA_ID, USER_ID].into_iter().find(|kind| kind == field.name());
            self.mark(column, &times, &mut forget, |text| match kind {
                Some(kind) => self.until_ms.get(&self.hash(kind, text)).copied(),
                None => self.until_of_payload(text),
            });
        }
        Ok(forget)
    }

    fn mark(&self, column: &StringArray, times: &[i64], forget: &mut [bool], until: impl Fn(&str) -> Option<i64>) {
        for ((text, time), forget) in column.iter().zip(times).zip(forget) {
            if !*forget && let Some(text) = text {
                *forget = until(text).is_some_and(|until| *time <= until);
            }
        }
    }

    /// The latest request that a payload's texts, or runs of digits in them, match.
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

pub(crate) fn list_path() -> Path {
    Path::from_iter(["erasures", "list.json"])
}

fn key_path() -> Path {
    Path::from_iter(["erasures", "key"])
}

impl Lake {
    /// The persons to forget, as of now.
    ///
    /// # Errors
    /// The store's, and a list that cannot be read: then nothing may be committed.
    pub async fn erasures(&self) -> Result<Erasures, LakeError> {
        let (list, _) = self.read_entries().await?;
        self.erasures_of(&list, &list.entries).await
    }

    /// The persons whose erasure is confirmed: no part may hold them.
    pub(crate) async fn confirmed_erasures(&self) -> Result<Erasures, LakeError> {
        let (list, _) = self.read_entries().await?;
        let confirmed: Vec<Entry> = list.entries.iter().filter(|entry| entry.confirmed).cloned().collect();
        self.erasures_of(&list, &confirmed).await
    }

    /// Some of a list's entries with the secret that the list was hashed with. Without an entry no secret is read.
    pub(crate) async fn erasures_of(&self, list: &EntryList, entries: &[Entry]) -> Result<Erasures, LakeError> {
        if entries.is_empty() {
            return Ok(Erasures::default());
        }
        let erasures = Erasures::new(self.erasure_key().await?, entries);
        erasures.check_key(list)?;
        Ok(erasures)
    }

    /// The list and the version that a conditional write refers to.
    pub(crate) async fn read_entries(&self) -> Result<(EntryList, PutMode), LakeError> {
        read_record(&*self.store, &list_path()).await
    }

    /// The secret of the hashes: the operator's, or the lake's own.
    pub(crate) async fn erasure_key(&self) -> Result<Vec<u8>, LakeError> {
        if let Some(key) = &self.options.erasure_key {
            return Ok(key.clone().into_bytes());
        }
        let got = self.store.get(&key_path()).await.map_err(|error| match error {
            object_store::Error::NotFound { .. } => LakeError::Damaged {
                object: key_path().to_string(),
                problem: "it is gone, and no erasure key is configured: the list of erasures matches nobody".to_owned(),
            },
            other => other.into(),
        });
        Ok(got?.bytes().await?.to_vec())
    }

    /// Makes the lake's own secret if there is none.
    pub(crate) async fn ensure_erasure_key(&self) -> Result<Vec<u8>, LakeError> {
        if self.options.erasure_key.is_none() {
            let (a, b) = (self.environment.random(), self.environment.random());
            let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
            let put = self.store.put_opts(&key_path(), format!("{a:032x}{b:032x}").into(), options).await;
            if let Err(error) = put {
                // Whoever wrote it: the one that is there counts. If none is, the error stands.
                return match self.erasure_key().await {
                    Err(LakeError::Damaged { .. }) => Err(error.into()),
                    other => other,
                };
            }
        }
        self.erasure_key().await
    }
}

/// Reads one of the lake's own JSON records with the mode that replaces exactly this version. An absent one is empty.
pub(crate) async fn read_record<T: Default + for<'de> Deserialize<'de>>(
    store: &dyn ObjectStore,
    path: &Path,
) -> Result<(T, PutMode), LakeError> {
    let got = match store.get(path).await {
        Err(object_store::Error::NotFound { .. }) => return Ok((T::default(), PutMode::Create)),
        other => other?,
    };
    let version = object_store::UpdateVersion { e_tag: got.meta.e_tag.clone(), version: got.meta.version.clone() };
    let record = serde_json::from_slice(&got.bytes().await?)
        .map_err(|error| LakeError::Damaged { object: path.to_string(), problem: error.to_string() })?;
    Ok((record, PutMode::Update(version)))
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
        let forget = erasures(&[Person::WaId("+49 170-1234567".into()), Person::UserId(" u.1 ".into())]);
        let texts = [Some("491701234567"), Some("491701234568"), None, Some("u.1")];
        assert_eq!(forget.matches(&rows("wa_id", &texts, 1000)).unwrap(), [true, false, false, false]);
        assert_eq!(forget.matches(&rows("user_id", &texts, 1000)).unwrap(), [false, false, false, true]);
        assert_eq!(forget.matches(&rows("wa_id", &texts, 1001)).unwrap(), [false; 4], "a new contact");
    }

    #[test]
    fn a_pseudonym_is_taken_as_it_is() {
        let hash = "AB".repeat(32);
        let forget = erasures(&[Person::WaId(hash.clone())]);
        assert_eq!(forget.matches(&rows("wa_id", &[Some(&hash.to_lowercase())], 1)).unwrap(), [true]);
    }

    #[test]
    fn payloads_are_searched() {
        let forget = erasures(&[Person::WaId("491701234567".into()), Person::UserId("u.1".into())]);
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
                assert_eq!(forget.matches(&rows(column, &[Some(payload)], 1)).unwrap(), [expected], "{payload}");
            }
        }
        assert_eq!(forget.matches(&rows("url", &[Some("491701234567")], 1)).unwrap(), [false], "not a personal column");
    }

    #[test]
    fn impossible_persons_are_refused_and_none_is_shown() {
        let numbers = ["", "x", "49 170 x", "123456789012345678901"].map(|text| Person::WaId(text.into()));
        for person in numbers.into_iter().chain([Person::UserId(" ".into())]) {
            assert!(person.normalised().is_err());
        }
        for text in ["+49 (170) 123-4567", "491701234567@s.whatsapp.net", "491701234567:12@s.whatsapp.net"] {
            assert_eq!(Person::WaId(text.into()).normalised().unwrap(), (WA_ID, "491701234567".to_owned()));
        }
        assert_eq!(Person::WaId("12".into()).normalised().unwrap(), (WA_ID, "12".to_owned()));
        assert_eq!(format!("{:?}", Person::WaId("491701234567".into())), "WaId(…)");
    }
}
