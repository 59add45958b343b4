//! The list of erasures. It stores HMAC-SHA256 hashes of phone numbers and ids, never the values themselves.

use std::collections::BTreeSet;

use object_store::path::Path;
use serde::{Deserialize, Serialize};

/// The entry of one erased person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// HMAC of the identifier's kind and value, in hexadecimal.
    pub(crate) hash: String,
    /// Rows from before this time are erased. Milliseconds since 1970.
    pub(crate) until_ms: i64,
    /// When the request or a sweep first read this entry back from the stored list, in milliseconds since 1970. A
    /// writer that read the list earlier may not know the entry. The time of writing the entry is not used, because the
    /// write may take effect later than it was sent.
    #[serde(default)]
    pub(crate) seen_ms: Option<i64>,
    /// Whether the erasure is confirmed: a sweep has searched the whole lake for rows of the person, and it began when
    /// no writer that does not know the entry could publish any more.
    #[serde(default)]
    pub(crate) confirmed: bool,
    /// Hashes of the messages that the erased rows referred to. A row of `statuses` or `sends` that refers to such a
    /// message and arrives later is erased, too, whatever its time, because it does not mean that the person wrote
    /// again.
    #[serde(default)]
    pub(crate) messages: BTreeSet<String>,
    /// Hashes of rows that were in the lake at the time of the request but have later timestamps. This happens if the
    /// clock of the erasing machine was slow or the clock of the receiving machine was fast.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) rows: BTreeSet<String>,
}

/// The list as it is stored (JSON).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EntryList {
    #[serde(default)]
    pub(crate) entries: Vec<Entry>,
    /// A hash of a fixed text under the list's secret. It detects a wrong secret.
    #[serde(default)]
    pub(crate) key_check: Option<String>,
}

pub(crate) fn list_path() -> Path {
    Path::from_iter(["erasures", "list.json"])
}
