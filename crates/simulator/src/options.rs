//! Options of a simulation.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

/// A provider whose webhooks are simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SimulatedProvider {
    /// Meta's Cloud API.
    Meta,
    /// Woosh Bridge: statuses in its own formats, everything else relayed in Meta's format.
    Woosh,
    /// Interakt.
    Interakt,
    /// WASenderApi.
    Wasender,
    /// The customer's own application: it records sends and forwards statuses.
    Tracker,
}

impl SimulatedProvider {
    /// Every provider.
    pub const ALL: [SimulatedProvider; 5] = [
        SimulatedProvider::Meta,
        SimulatedProvider::Woosh,
        SimulatedProvider::Interakt,
        SimulatedProvider::Wasender,
        SimulatedProvider::Tracker,
    ];

    /// Value of the column `provider`.
    pub const fn name(self) -> &'static str {
        match self {
            SimulatedProvider::Meta => "meta",
            SimulatedProvider::Woosh => "woosh",
            SimulatedProvider::Interakt => "interakt",
            SimulatedProvider::Wasender => "wasender",
            SimulatedProvider::Tracker => "tracker",
        }
    }
}

impl fmt::Display for SimulatedProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An unknown provider name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown provider {0:?}: use meta, woosh, interakt, wasender or tracker")]
pub struct UnknownProvider(pub String);

impl FromStr for SimulatedProvider {
    type Err = UnknownProvider;

    fn from_str(name: &str) -> Result<Self, UnknownProvider> {
        SimulatedProvider::ALL
            .into_iter()
            .find(|provider| provider.name() == name)
            .ok_or_else(|| UnknownProvider(name.to_owned()))
    }
}

/// Options of a simulation. Equal options give byte-identical output.
#[derive(Clone, Debug)]
pub struct SimulationOptions {
    /// Seed of the random generator.
    pub seed: u64,
    /// How many messages the business sends.
    pub messages: u64,
    /// Providers to simulate. Their campaigns share the messages.
    pub providers: Vec<SimulatedProvider>,
    /// Number of local days on which messages are sent, 1 to 365.
    pub days: u32,
    /// First local day of sending.
    pub start: Date,
    /// IANA name of the time zone that defines local days, for sending and for the truth.
    pub timezone: String,
    /// A click is attributed to its message if it happens at most this many hours after the send; at most 168.
    pub attribution_hours: u32,
    /// Maximum number of updates (statuses, clicks, messages) in one POST in Meta's format, 1 to 1000 (Meta's own
    /// limit).
    pub batch_max: usize,
}

impl Default for SimulationOptions {
    fn default() -> Self {
        SimulationOptions {
            seed: 1,
            messages: 1_000,
            providers: SimulatedProvider::ALL.to_vec(),
            days: 7,
            start: Date::constant(2026, 10, 1),
            timezone: "UTC".to_owned(),
            attribution_hours: 72,
            batch_max: 1_000,
        }
    }
}
