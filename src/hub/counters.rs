//! What the hub counts. Plain atomics, read by the operations room.

use std::sync::atomic::{AtomicU64, Ordering};

/// Monotonic counters of one node.
#[derive(Debug, Default)]
pub struct Counters {
    /// Connections that were registered since the start.
    pub connected: Counter,
    /// Connections that ended since the start.
    pub disconnected: Counter,
    /// Hub messages received from clients.
    pub received: Counter,
    /// Frames given to outboxes.
    pub delivered: Counter,
    /// Connections closed because their outbox went over its bound.
    pub overflowed: Counter,
    /// Queued messages that gave way under a dropping policy.
    pub displaced: Counter,
    /// Deliveries from the backplane that could not be decoded.
    pub undecodable: Counter,
    /// Times the backplane said that it may have missed something.
    pub gaps: Counter,
    /// Messages read from a log for members that had missed them.
    pub mended: Counter,
    /// Topics whose members were told that they may have missed messages for good.
    pub lost: Counter,
    /// Subscriptions that had quietly stopped delivering and were made anew.
    pub silent: Counter,
}

/// One monotonic counter.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds to it.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// Its value.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
