//! So many in each window of time, and so many more that wait for the next one.

use tokio::time::Instant;

use super::pace::{Rate, Verdict};

/// A fixed window. It begins with the first that comes after the one before is over. Whoever waits
/// is given a place in a later window at once, in order, so that nobody has to be told when it
/// begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FixedWindow {
    start: Instant,
    /// How many places of this window are given.
    used: u32,
    /// How many places of later windows are given. None while this window has places.
    ahead: u32,
}

impl FixedWindow {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            start: now,
            used: 0,
            ahead: 0,
        }
    }

    pub(crate) fn ask(&mut self, rate: &Rate, now: Instant) -> Verdict {
        self.advance(rate, now);
        if self.ahead == 0 && self.used < rate.permits {
            self.used += 1;
            return Verdict::Now;
        }
        if self.ahead < rate.queue {
            self.ahead += 1;
            let windows = self.ahead.div_ceil(rate.permits);
            return Verdict::At(self.start + rate.window * windows);
        }
        Verdict::Refused(self.start + rate.window)
    }

    fn advance(&mut self, rate: &Rate, now: Instant) {
        while now >= self.start + rate.window {
            if self.ahead == 0 {
                (self.start, self.used) = (now, 0);
                return;
            }
            self.start += rate.window;
            self.used = self.ahead.min(rate.permits);
            self.ahead -= self.used;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn rate(permits: u32, queue: u32) -> Rate {
        Rate {
            permits,
            window: MINUTE,
            burst: permits,
            queue,
        }
    }

    #[test]
    fn a_hundred_pass_ten_wait_for_the_next_minute_and_the_rest_are_refused() {
        let (rate, start) = (rate(100, 10), Instant::now());
        let mut window = FixedWindow::new(start);
        let mut ask = |after| window.ask(&rate, start + after);
        let later = Duration::from_secs(59);
        assert!((0..100).all(|_| ask(later) == Verdict::Now));
        assert!((0..10).all(|_| ask(later) == Verdict::At(start + MINUTE)));
        assert_eq!(ask(later), Verdict::Refused(start + MINUTE));
        // Those who have waited have their places in the next one.
        assert!((0..90).all(|_| ask(MINUTE) == Verdict::Now));
        assert_eq!(ask(MINUTE), Verdict::At(start + 2 * MINUTE));
        assert!((0..100).all(|_| ask(5 * MINUTE) == Verdict::Now));
    }

    #[test]
    fn a_queue_that_is_longer_than_a_window_is_spread_over_several() {
        let (rate, start) = (rate(2, 5), Instant::now());
        let mut window = FixedWindow::new(start);
        let verdicts: Vec<_> = (0..8).map(|_| window.ask(&rate, start)).collect();
        let at = |windows| Verdict::At(start + windows * MINUTE);
        assert_eq!(
            verdicts,
            [
                Verdict::Now,
                Verdict::Now,
                at(1),
                at(1),
                at(2),
                at(2),
                at(3),
                Verdict::Refused(start + MINUTE),
            ]
        );
        assert_eq!(window.ask(&rate, start + MINUTE), at(3));
        assert_eq!(window.ask(&rate, start + 3 * MINUTE), at(4));
    }

    #[test]
    fn a_window_begins_with_the_first_that_comes() {
        let (rate, start) = (rate(1, 0), Instant::now());
        let mut window = FixedWindow::new(start);
        assert_eq!(window.ask(&rate, start), Verdict::Now);
        let late = start + MINUTE + MINUTE / 2;
        assert_eq!(window.ask(&rate, late), Verdict::Now);
        assert_eq!(
            window.ask(&rate, start + 2 * MINUTE),
            Verdict::Refused(late + MINUTE)
        );
    }
}
