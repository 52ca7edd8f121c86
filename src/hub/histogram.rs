//! How often something took how long.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts durations in buckets. Plain atomics, as [`Counter`](crate::hub::counters::Counter).
#[derive(Debug)]
pub struct Histogram {
    /// The upper bounds of all buckets but the last, in microseconds.
    bounds: &'static [u64],
    buckets: Box<[AtomicU64]>,
    total_nanoseconds: AtomicU64,
}

/// The bounds of a histogram of calls, in microseconds: 100 µs to 1 s.
const CALLS: [u64; 11] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000,
];

impl Histogram {
    /// A histogram with these upper bounds of all buckets but the last, in microseconds, ascending.
    #[must_use]
    pub fn new(bounds: &'static [u64]) -> Self {
        Self {
            bounds,
            buckets: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            total_nanoseconds: AtomicU64::new(0),
        }
    }

    /// Counts one.
    pub fn record(&self, took: Duration) {
        self.record_many(took, 1);
    }

    /// Counts several that took equally long.
    pub fn record_many(&self, took: Duration, count: u64) {
        let microseconds = took.as_micros();
        let bucket = self
            .bounds
            .partition_point(|bound| u128::from(*bound) < microseconds);
        self.buckets[bucket].fetch_add(count, Ordering::Relaxed);
        self.total_nanoseconds
            .fetch_add(nanoseconds(took).saturating_mul(count), Ordering::Relaxed);
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

    /// The upper bounds of all buckets but the last, in microseconds.
    #[must_use]
    pub fn bounds(&self) -> &'static [u64] {
        self.bounds
    }

    /// The count of each bucket; the last has no upper bound.
    #[must_use]
    pub fn buckets(&self) -> Vec<u64> {
        self.buckets
            .iter()
            .map(|bucket| bucket.load(Ordering::Relaxed))
            .collect()
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new(&CALLS)
    }
}

/// The nanoseconds of a duration, or the most that fit.
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
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

    #[test]
    fn several_at_once_count_as_often_as_they_are() {
        let histogram = Histogram::new(&[1_000]);
        histogram.record_many(Duration::from_millis(3), 4);
        assert_eq!(histogram.buckets(), [0, 4]);
        assert_eq!(histogram.count(), 4);
        assert_eq!(histogram.total(), Duration::from_millis(12));
    }
}
