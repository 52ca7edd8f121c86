//! The keys of a topic's publications, by which it knows what it has taken.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use mesahub_broker::OnceKey;
use tokio::time::Instant;

/// The keys that one topic's log has taken, each with the number of its publication.
///
/// Bounded by age alone, as the contract has it, and so by what is published within that age. A
/// key takes 60 to 120 bytes.
#[derive(Default)]
pub(crate) struct Keys {
    numbers: HashMap<OnceKey, u64>,
    /// When each was taken, oldest first.
    order: VecDeque<(Instant, OnceKey)>,
}

impl Keys {
    /// The number of the publication that came with a key.
    pub(crate) fn number(&self, key: OnceKey) -> Option<u64> {
        self.numbers.get(&key).copied()
    }

    /// Takes a key that is not known.
    pub(crate) fn insert(&mut self, key: OnceKey, number: u64, now: Instant) {
        self.numbers.insert(key, number);
        self.order.push_back((now, key));
    }

    /// Forgets what is too old; says whether nothing is left.
    pub(crate) fn expire(&mut self, now: Instant, max_age: Duration) -> bool {
        while let Some((at, key)) = self.order.front() {
            if now.duration_since(*at) <= max_age {
                return false;
            }
            self.numbers.remove(key);
            self.order.pop_front();
        }
        true
    }

    /// Gives back spare room.
    pub(crate) fn shrink(&mut self) {
        self.order.shrink_to(self.order.len() * 2);
        self.numbers.shrink_to(self.numbers.len() * 2);
    }
}
