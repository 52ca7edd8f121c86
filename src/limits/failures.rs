//! How often one address may show credentials that are not accepted.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::bucket::TokenBucket;
use super::counted::Hashing;
use super::pace::{Rate, Verdict};
use super::recent::Recent;
use super::refused::Exhausted;

/// How often an address may fail to show who it is. Beyond it, failures are answered differently and
/// not logged; whoever shows a good token from the same address is let in all the same, since a whole
/// restaurant may have one address.
#[derive(Debug)]
pub struct FailureLimits {
    rate: Rate,
    hashing: Hashing,
    buckets: Recent<TokenBucket>,
}

impl FailureLimits {
    /// So many failures of an address in a window, and evenly so many after that.
    #[must_use]
    pub fn new(permits: u32, window: Duration) -> Self {
        Self {
            rate: Rate {
                permits: permits.max(1),
                window,
                burst: permits.max(1),
                queue: 0,
            },
            hashing: Hashing::default(),
            buckets: Recent::new(window),
        }
    }

    /// Counts a failure. One whose address is not known is not counted.
    ///
    /// # Errors
    /// When there were too many lately.
    pub fn note(&self, address: Option<IpAddr>) -> Result<(), Exhausted> {
        let Some(address) = address else {
            return Ok(());
        };
        let (who, now) = (self.hashing.address(address), Instant::now());
        let bucket = self.buckets.of(who, now, || TokenBucket::new(now));
        let verdict = bucket.lock().ask(&self.rate, 1, now);
        match verdict {
            Verdict::Refused(again) => {
                let again = again.duration_since(now);
                Err(Exhausted { again })
            }
            Verdict::Now | Verdict::At(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_address_may_fail_so_often_in_a_while() {
        let limits = FailureLimits::new(3, Duration::from_secs(60));
        let (one, other) = ("192.0.2.1".parse().ok(), "192.0.2.2".parse().ok());
        assert!((0..3).all(|_| limits.note(one).is_ok()));
        let again = Duration::from_secs(20);
        assert_eq!(limits.note(one), Err(Exhausted { again }));
        assert_eq!(limits.note(other), Ok(()));
        assert_eq!(limits.note(None), Ok(()));
        tokio::time::advance(again).await;
        assert_eq!(limits.note(one), Ok(()));
        assert!(limits.note(one).is_err());
    }
}
