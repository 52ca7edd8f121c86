//! How long a batch waits for more.

use std::time::Duration;

use tokio::time::Instant;

/// The longest that a notification waits for others to leave with.
const LONGEST: Duration = Duration::from_millis(2);

/// Waits for a batch to fill while that many come that it is worth it: an idle service adds nothing.
#[derive(Debug)]
pub(crate) struct Linger {
    batch_size: f64,
    /// Notifications a second, lately.
    rate: f64,
    last: Option<Instant>,
}

impl Linger {
    pub(crate) fn new(batch_size: usize) -> Self {
        Self {
            batch_size: batch_size as f64,
            rate: 0.0,
            last: None,
        }
    }

    /// So many leave now.
    pub(crate) fn observe(&mut self, count: usize, now: Instant) {
        if let Some(last) = self.last.replace(now) {
            let elapsed = now.duration_since(last).as_secs_f64().max(1e-6);
            self.rate = (self.rate + count as f64 / elapsed) / 2.0;
        }
    }

    /// How long the next batch may wait to be filled: not at all unless at least half of it comes in
    /// that time.
    pub(crate) fn pause(&self) -> Option<Duration> {
        let expected = self.rate * LONGEST.as_secs_f64();
        (expected >= self.batch_size / 2.0 && self.batch_size > 1.0).then_some(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a service of so many a second says after a while.
    fn pause_at(rate: f64, batch_size: usize) -> Option<Duration> {
        let (mut linger, mut now) = (Linger::new(batch_size), Instant::now());
        for _ in 0..100 {
            linger.observe(1, now);
            now += Duration::from_secs_f64(1.0 / rate);
        }
        linger.pause()
    }

    #[test]
    fn only_a_load_that_fills_batches_waits_for_them() {
        assert_eq!(pause_at(1.0, 100), None);
        assert_eq!(pause_at(10_000.0, 100), None);
        assert_eq!(pause_at(50_000.0, 100), Some(LONGEST));
        assert_eq!(pause_at(50_000.0, 1_000), None);
        assert_eq!(pause_at(1_000_000.0, 1), None);
    }

    #[test]
    fn a_load_that_has_ended_is_forgotten_with_the_next_notification() {
        let (mut linger, now) = (Linger::new(100), Instant::now());
        linger.observe(100, now);
        linger.observe(100, now + LONGEST);
        assert_eq!(linger.pause(), Some(LONGEST));
        linger.observe(1, now + Duration::from_secs(1));
        linger.observe(1, now + Duration::from_secs(2));
        assert_eq!(linger.pause(), None);
    }
}
