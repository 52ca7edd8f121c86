//! What the hub counts. Plain atomics, read by the operations room.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::hub::loss::LostReason;

/// Monotonic counters of one node.
#[derive(Debug, Default)]
pub struct Counters {
    /// Connections that were registered since the start.
    pub connected: Counter,
    /// Connections that ended since the start.
    pub disconnected: Counter,
    /// Calls of clients that were refused because there had been too many.
    pub limited: Counter,
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
    pub lost: Losses,
    /// Connections that were told so alone, because they were to resume and could not be given what
    /// they had missed.
    pub lost_alone: Losses,
    /// Channels that clients asked to resume and were answered in full.
    pub resumed: Counter,
    /// Channels that clients asked to resume in vain.
    pub not_resumed: Losses,
    /// Subscriptions that had quietly stopped delivering and were made anew.
    pub silent: Counter,
}

/// Counters of losses, one for each reason.
#[derive(Debug, Default)]
pub struct Losses([Counter; LostReason::ALL.len()]);

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

impl Losses {
    /// How many there were for this reason.
    #[must_use]
    pub fn of(&self, reason: LostReason) -> u64 {
        self.0[reason as usize].value()
    }

    /// How many there were in all.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.iter().map(Counter::value).sum()
    }

    pub(crate) fn add(&self, reason: LostReason) {
        self.0[reason as usize].add(1);
    }
}
