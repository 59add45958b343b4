//! The list of erasures: HMAC-SHA256 hashes of numbers and ids, never these themselves.

use std::collections::BTreeSet;

use object_store::path::Path;
use serde::{Deserialize, Serialize};

/// An erased person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// HMAC of the kind and value of the identifier, in hexadecimal.
    pub(crate) hash: String,
    /// Rows from before this moment are erased. Milliseconds since 1970.
    pub(crate) until_ms: i64,
    /// When a process first read the entry in the list. A writer that began before may not know the entry. This is not
    /// the moment of writing it: a request may be delayed for any time.
    #[serde(default)]
    pub(crate) seen_ms: Option<i64>,
    /// A pass over the lake has ended that began when no writer could still publish without knowing the entry.
    #[serde(default)]
    pub(crate) confirmed: bool,
    /// Hashes of the messages that the erased rows were about. A row of `statuses` or `sends` about such a message that
    /// comes later is erased, too, whatever its time: it does not show that the person wrote again.
    #[serde(default)]
    pub(crate) messages: BTreeSet<String>,
    /// Hashes of rows that were in the lake at a request although they are later by their own times: the clock of the
    /// machine that erased was slow, or the one that received them was fast.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) rows: BTreeSet<String>,
}

/// The list as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EntryList {
    #[serde(default)]
    pub(crate) entries: Vec<Entry>,
    /// A hash that only the right secret produces.
    #[serde(default)]
    pub(crate) key_check: Option<String>,
}

pub(crate) fn list_path() -> Path {
    Path::from_iter(["erasures", "list.json"])
}
