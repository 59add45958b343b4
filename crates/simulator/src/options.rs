//! What a simulation is asked for.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

/// A provider whose webhooks are simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SimulatedProvider {
    /// Meta's Cloud API.
    Meta,
    /// Woosh Bridge: statuses of its own shapes, everything else passed through from Meta.
    Woosh,
    /// Interakt.
    Interakt,
    /// WASenderApi.
    Wasender,
    /// The customer's own application: what it sent, and statuses that it forwards.
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

    /// Its name in the column `provider`.
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

/// A name that is no provider's.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("no provider is named {0:?}")]
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

/// A simulation: equal options give byte-identical output.
#[derive(Clone, Debug)]
pub struct SimulationOptions {
    /// Seed of all chance.
    pub seed: u64,
    /// How many messages the business sends.
    pub messages: u64,
    /// Who reports them. Messages are shared out among these.
    pub providers: Vec<SimulatedProvider>,
    /// Local days over which the messages are sent; 1 to 365.
    pub days: u32,
    /// First of these days.
    pub start: Date,
    /// IANA name of the time zone whose days the truth speaks of.
    pub timezone: String,
    /// A click counts for its message if it comes no later than this after the sending.
    pub attribution_hours: u32,
    /// Most updates in one POST of Meta's shape; Meta's own limit is 1000.
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
