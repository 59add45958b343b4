//! The clicks on a message, counted as in `sql/common/taps.sql`: reports with the same click id and time are one click,
//! and Interakt's second report of a tap is left out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::registers::{Merge, Smallest};

/// Kinds of clicks that count for CTR (docs/metrics.md, part 3).
const CLICK_KINDS: [&str; 5] = ["button_reply", "list_reply", "flow_reply", "quick_reply", "link_click"];

/// Maximum number of clicks kept per message, the earliest ones. Answers only use the first click that counts.
const MOST_TAPS: usize = 32;

/// Interakt reports a tap on a template button with one of these events, and again with the event `message_received`,
/// without a common id.
const FIRST_REPORTS: [&str; 2] = ["message_api_clicked", "message_campaign_clicked"];
const SECOND_REPORT: &str = "message_received";
const SECOND_REPORT_KINDS: [&str; 2] = ["quick_reply", "button_reply"];

/// Maximum time between both reports of a tap, in milliseconds.
const REPORTS_APART_MS: u64 = 60_000;

/// One click. If reports of the click differ, each attribute is the smallest reported value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tap {
    /// Event time in milliseconds since 1970, UTC.
    pub(crate) at: i64,
    /// Id of the click.
    pub(crate) id: String,
    /// As `clicks.kind`.
    #[serde(skip_serializing_if = "Merge::is_unknown")]
    pub(crate) kind: Smallest,
    /// The provider that reported the click.
    #[serde(skip_serializing_if = "Merge::is_unknown")]
    pub(crate) provider: Smallest,
    /// The provider's name of the event that reported the click.
    #[serde(skip_serializing_if = "Merge::is_unknown")]
    pub(crate) source: Smallest,
    /// Phone number of the person who clicked, or its keyed hash.
    #[serde(skip_serializing_if = "Merge::is_unknown")]
    pub(crate) wa_id: Smallest,
    /// Label of the button.
    #[serde(skip_serializing_if = "Merge::is_unknown")]
    pub(crate) label: Smallest,
}

impl Tap {
    fn merge(&mut self, other: Self) {
        self.kind.merge(other.kind);
        self.provider.merge(other.provider);
        self.source.merge(other.source);
        self.wa_id.merge(other.wa_id);
        self.label.merge(other.label);
    }

    fn is_of_interakt(&self, sources: &[&str]) -> bool {
        self.provider.get() == Some("interakt") && self.source.get().is_some_and(|source| sources.contains(&source))
    }

    /// Whether this click is the second report of the tap that `first` reports.
    fn repeats(&self, first: &Self) -> bool {
        self.is_of_interakt(&[SECOND_REPORT])
            && self.kind.get().is_some_and(|kind| SECOND_REPORT_KINDS.contains(&kind))
            && first.is_of_interakt(&FIRST_REPORTS)
            && self.wa_id == first.wa_id
            && lower(&self.label) == lower(&first.label)
            && self.at.abs_diff(first.at) <= REPORTS_APART_MS
    }

    fn is_click(&self) -> bool {
        self.kind.get().is_some_and(|kind| CLICK_KINDS.contains(&kind))
    }
}

/// Lower case character by character, as in SQL.
fn lower(text: &Smallest) -> Option<String> {
    text.get().map(|text| text.chars().flat_map(char::to_lowercase).collect())
}

/// The earliest clicks on a message, ordered by time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Taps(Vec<Tap>);

impl Taps {
    /// Time of the earliest click that counts for CTR, in milliseconds since 1970, UTC.
    pub fn first_click_at(&self) -> Option<i64> {
        let counts = |tap: &&Tap| tap.is_click() && !self.0.iter().any(|first| tap.repeats(first));
        self.0.iter().find(counts).map(|tap| tap.at)
    }
}

impl From<Tap> for Taps {
    fn from(tap: Tap) -> Self {
        Self(vec![tap])
    }
}

impl Merge for Taps {
    /// Dropping clicks beyond the earliest [`MOST_TAPS`] is safe in any order of merges: such a click is beyond the
    /// earliest [`MOST_TAPS`] of every union, too.
    fn merge(&mut self, other: Self) {
        let mut taps: BTreeMap<(i64, String), Tap> = BTreeMap::new();
        for tap in std::mem::take(&mut self.0).into_iter().chain(other.0) {
            match taps.entry((tap.at, tap.id.clone())) {
                std::collections::btree_map::Entry::Vacant(entry) => _ = entry.insert(tap),
                std::collections::btree_map::Entry::Occupied(mut entry) => entry.get_mut().merge(tap),
            }
        }
        self.0 = taps.into_values().take(MOST_TAPS).collect();
    }

    fn is_unknown(&self) -> bool {
        self.0.is_empty()
    }
}
