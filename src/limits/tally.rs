//! How many there are of each.

use std::collections::HashMap;

use super::counted::Counted;

/// Counts that are not zero.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: HashMap<Counted, u32>,
}

impl Tally {
    /// How many there are.
    pub(crate) fn count(&self, who: Counted) -> u32 {
        self.counts.get(&who).copied().unwrap_or(0)
    }

    /// One more.
    pub(crate) fn add(&mut self, who: Counted) {
        *self.counts.entry(who).or_default() += 1;
    }

    /// One less; what comes to nothing takes no room.
    pub(crate) fn take(&mut self, who: Counted) {
        if let Some(count) = self.counts.get_mut(&who) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&who);
                if self.counts.is_empty() {
                    self.counts.shrink_to(1024);
                }
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}
