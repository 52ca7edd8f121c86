//! What is counted of a backplane. Plain atomics, read by whoever shows them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mesahub_broker::BrokerError;

use crate::hub::counters::Counter;
use crate::hub::histogram::{Histogram, nanoseconds};

/// The counts of one broker since its start.
#[derive(Debug, Default)]
pub struct Meters {
    /// Publications that the broker has taken.
    pub published: Counter,
    /// Their payloads, in bytes.
    pub published_bytes: Counter,
    /// Calls and publications that failed because the broker was away.
    pub unavailable: Counter,
    /// Those that failed because it did not answer in time.
    pub timed_out: Counter,
    /// Those that failed for any other reason: they would fail again.
    pub refused: Counter,
    /// Topics subscribed.
    pub subscribed: Counter,
    /// Topics given up.
    pub unsubscribed: Counter,
    /// Pages read from logs.
    pub log_reads: Counter,
    /// Entries in them.
    pub log_entries: Counter,
    /// How long batches took to publish.
    pub publish_time: Histogram,
    /// Nanoseconds of the last health check that succeeded, or 0 after one that failed.
    round_trip: AtomicU64,
}

impl Meters {
    /// How long the last health check took; `None` when it failed or none was made.
    #[must_use]
    pub fn last_round_trip(&self) -> Option<Duration> {
        let nanoseconds = self.round_trip.load(Ordering::Relaxed);
        (nanoseconds > 0).then(|| Duration::from_nanos(nanoseconds))
    }

    pub(super) fn round_trip(&self, took: Option<Duration>) {
        // One nanosecond at least: 0 stands for none.
        let nanoseconds = took.map_or(0, |took| nanoseconds(took).max(1));
        self.round_trip.store(nanoseconds, Ordering::Relaxed);
    }

    pub(super) fn failed(&self, error: &BrokerError) {
        let counter = match error {
            BrokerError::Timeout { .. } => &self.timed_out,
            error if error.is_retryable() => &self.unavailable,
            _ => &self.refused,
        };
        counter.add(1);
    }
}
