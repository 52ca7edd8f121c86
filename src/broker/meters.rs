//! What is counted of a backplane. Plain atomics, read by whoever shows them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mesahub_broker::BrokerError;

use crate::hub::counters::Counter;

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

/// How often something took how long.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; Self::BOUNDS.len() + 1],
    total_nanoseconds: AtomicU64,
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

impl Histogram {
    /// The upper bounds of all buckets but the last, in microseconds.
    pub const BOUNDS: [u64; 11] = [
        100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000,
    ];

    /// Counts one.
    pub fn record(&self, took: Duration) {
        let microseconds = took.as_micros();
        let bucket = Self::BOUNDS.partition_point(|bound| u128::from(*bound) < microseconds);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.total_nanoseconds
            .fetch_add(nanoseconds(took), Ordering::Relaxed);
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets().iter().sum()
    }

    /// How long all of them took together.
    #[must_use]
    pub fn total(&self) -> Duration {
        Duration::from_nanos(self.total_nanoseconds.load(Ordering::Relaxed))
    }

    /// The count of each bucket; the last has no upper bound.
    #[must_use]
    pub fn buckets(&self) -> [u64; Self::BOUNDS.len() + 1] {
        std::array::from_fn(|bucket| self.buckets[bucket].load(Ordering::Relaxed))
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Histogram;

    #[test]
    fn a_bound_belongs_to_the_bucket_it_ends() {
        let histogram = Histogram::default();
        for microseconds in [0, 100, 101, 1_000_000, 1_000_001] {
            histogram.record(Duration::from_micros(microseconds));
        }
        let buckets = histogram.buckets();
        assert_eq!((buckets[0], buckets[1]), (2, 1));
        assert_eq!((buckets[10], buckets[11]), (1, 1));
        assert_eq!(histogram.total(), Duration::from_micros(2_000_202));
    }
}
