//! The clicks on a message, as `sql/common/taps.sql` counts them: statements with one id and time are one click, and
//! Interakt's second report of a tap is left out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::registers::{Merge, Smallest};

/// Kinds of clicks that count for CTR (docs/metrics.md, part 3).
const CLICK_KINDS: [&str; 5] = ["button_reply", "list_reply", "flow_reply", "quick_reply", "link_click"];

/// Most clicks that are kept of a message: the earliest. Only the first that counts is answered.
const MOST_TAPS: usize = 32;

/// Interakt reports a tap on a template's button by one of these events, and again, without a common id, by the event
/// `message_received`.
const FIRST_REPORTS: [&str; 2] = ["message_api_clicked", "message_campaign_clicked"];
const SECOND_REPORT: &str = "message_received";
const SECOND_REPORT_KINDS: [&str; 2] = ["quick_reply", "button_reply"];

/// How far both reports of a tap may be apart. Milliseconds.
const REPORTS_APART_MS: u64 = 60_000;

/// One click: its attributes are the smallest that were stated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tap {
    /// When: milliseconds since 1970, UTC.
    pub(crate) at: i64,
    /// The click's id.
    pub(crate) id: String,
    /// As `clicks.kind`.
    #[serde(skip_serializing_if = "Merge::is_unknown")]
    pub(crate) kind: Smallest,
    /// Who reported it.
    #[serde(skip_serializing_if = "Merge::is_unknown")]
    pub(crate) provider: Smallest,
    /// The provider's own name of the event that reported it.
    #[serde(skip_serializing_if = "Merge::is_unknown")]
    pub(crate) source: Smallest,
    /// Who clicked: a phone number or its keyed hash.
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

    /// Whether it is the second report of the tap that `first` reports.
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

/// Letter by letter, as SQL does it.
fn lower(text: &Smallest) -> Option<String> {
    text.get().map(|text| text.chars().flat_map(char::to_lowercase).collect())
}

/// The earliest clicks on a message, in the order of their times.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Taps(Vec<Tap>);

impl Taps {
    /// The earliest click that counts for CTR: milliseconds since 1970, UTC.
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
    /// A click beyond the earliest [`MOST_TAPS`] is beyond them in every union, too: what is dropped is never missed,
    /// whatever the order.
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
