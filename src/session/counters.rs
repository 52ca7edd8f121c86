//! What the dining sessions count.

use crate::hub::counters::Counter;

/// Monotonic counters of the dining sessions of one node: what it did, not what others did on the
/// same store.
#[derive(Debug, Default)]
pub struct SessionCounters {
    /// Sessions that were started.
    pub started: Counter,
    /// Warnings that guests were given.
    pub warned: Counter,
    closed: [Counter; REASONS.len()],
}

/// Why sessions end. Whatever else a store holds as a reason counts as the last.
const REASONS: [&str; 4] = [
    "SessionClosed",
    "InactiveSessionTimeout",
    "ServedOrderTimeout",
    "Other",
];

impl SessionCounters {
    /// How many sessions have ended, by the reason that their guests were told.
    #[must_use]
    pub fn closed(&self) -> [(&'static str, u64); REASONS.len()] {
        std::array::from_fn(|place| (REASONS[place], self.closed[place].value()))
    }

    pub(super) fn close(&self, reason: &str) {
        let place = REASONS.iter().position(|known| *known == reason);
        self.closed[place.unwrap_or(REASONS.len() - 1)].add(1);
    }
}
