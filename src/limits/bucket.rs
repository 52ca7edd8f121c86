//! A bucket of tokens that fills evenly.

use std::time::Duration;

use tokio::time::Instant;

use super::pace::{Rate, Verdict};

/// A bucket, kept as the moment at which it is full again, so that nobody has to fill it. Tokens of
/// the future may be taken by those who wait for them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokenBucket {
    full: Instant,
}

impl TokenBucket {
    pub(crate) fn new(now: Instant) -> Self {
        Self { full: now }
    }

    /// Takes as many tokens as something costs. What costs more than the bucket holds costs a full
    /// one.
    pub(crate) fn ask(&mut self, rate: &Rate, cost: u32, now: Instant) -> Verdict {
        let each = rate.window / rate.permits.max(1);
        let holds = each * rate.burst;
        let full = self.full.max(now) + each * cost.min(rate.burst);
        let wait = full.duration_since(now).saturating_sub(holds);
        let patience = each * rate.queue;
        if wait > patience {
            return Verdict::Refused(now + (wait - patience));
        }
        self.full = full;
        match wait {
            Duration::ZERO => Verdict::Now,
            wait => Verdict::At(now + wait),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn rate(queue: u32) -> Rate {
        Rate {
            permits: 10,
            window: 10 * SECOND,
            burst: 3,
            queue,
        }
    }

    #[test]
    fn a_full_bucket_is_taken_at_once_and_then_one_token_a_second() {
        let (rate, start) = (rate(0), Instant::now());
        let mut bucket = TokenBucket::new(start);
        let mut ask = |after| bucket.ask(&rate, 1, start + after);
        assert!((0..3).all(|_| ask(Duration::ZERO) == Verdict::Now));
        assert_eq!(ask(Duration::ZERO), Verdict::Refused(start + SECOND));
        let nearly = SECOND - Duration::from_millis(1);
        assert_eq!(ask(nearly), Verdict::Refused(start + SECOND));
        assert_eq!(ask(SECOND), Verdict::Now);
        assert_eq!(ask(SECOND), Verdict::Refused(start + 2 * SECOND));
        assert!((0..3).all(|_| ask(60 * SECOND) == Verdict::Now));
        assert_eq!(ask(60 * SECOND), Verdict::Refused(start + 61 * SECOND));
    }

    #[test]
    fn those_who_wait_come_one_after_the_other() {
        let (rate, start) = (rate(2), Instant::now());
        let mut bucket = TokenBucket::new(start);
        let verdicts: Vec<_> = (0..6).map(|_| bucket.ask(&rate, 1, start)).collect();
        assert_eq!(
            verdicts,
            [
                Verdict::Now,
                Verdict::Now,
                Verdict::Now,
                Verdict::At(start + SECOND),
                Verdict::At(start + 2 * SECOND),
                Verdict::Refused(start + SECOND),
            ]
        );
    }

    #[test]
    fn what_costs_more_takes_more_and_never_more_than_there_can_be() {
        let (rate, start) = (rate(0), Instant::now());
        let mut bucket = TokenBucket::new(start);
        assert_eq!(bucket.ask(&rate, 2, start), Verdict::Now);
        assert_eq!(
            bucket.ask(&rate, 2, start),
            Verdict::Refused(start + SECOND)
        );
        assert_eq!(bucket.ask(&rate, 1, start), Verdict::Now);
        assert_eq!(bucket.ask(&rate, 1_000, start + 3 * SECOND), Verdict::Now);
        assert_eq!(bucket.ask(&rate, 0, start + 3 * SECOND), Verdict::Now);
    }
}
