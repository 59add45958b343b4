//! The window of days that the answers cover.

use jiff::civil::Date;

use crate::clock::later;
use crate::world::World;

/// The window of the queries: local days, both included.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) from: Date,
    pub(super) to: Date,
}

impl Window {
    /// All days of the simulation but the first and the last, so that messages lie on both sides of the window.
    /// Simulations of up to three days use all days.
    pub(super) fn of(world: &World) -> Self {
        let days = i64::from(world.options.days);
        let margin = i64::from(days > 3);
        let start = world.options.start;
        Window { from: later(start, margin), to: later(start, days - 1 - margin) }
    }
}
