//! How often a client may call the methods of a hub.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use thiserror::Error;
use tokio::time::Instant;

use super::counted::{Counted, Hashing};
use super::pace::{Algorithm, Pace, Rate, Verdict};
use super::recent::Recent;
use super::refused::Exhausted;
use crate::auth::Principal;

/// Who shares one account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// Nobody: each connection has its own.
    #[default]
    Connection,
    /// All connections of a user on this node. One without a user has its own.
    User,
    /// All connections of a tenant on this node. One without a tenant has its own.
    Tenant,
}

/// How often clients may call. An account is opened with the first call of a connection; what is
/// shared is kept until it has not been used for a whole window, and for as long as a connection
/// that has called is there.
#[derive(Debug)]
pub struct CallLimits {
    algorithm: Algorithm,
    rate: Rate,
    sharing: Sharing,
    hashing: Hashing,
    shared: Recent<Pace>,
}

/// A call was refused because there have been too many, and too many wait already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "Too many calls: at most {calls} are taken in {} seconds. Try again in {} seconds.",
    .window.as_secs_f64(), .again.retry_after()
)]
pub(crate) struct TooManyCalls {
    calls: u32,
    window: Duration,
    again: Exhausted,
}

/// What one connection calls on, or several together.
#[derive(Clone, Debug)]
pub(crate) struct Account(Arc<Mutex<Pace>>);

impl CallLimits {
    /// Limits of this rate. A bucket holds `rate.burst` calls.
    #[must_use]
    pub fn new(algorithm: Algorithm, rate: Rate, sharing: Sharing) -> Self {
        Self {
            algorithm,
            rate,
            sharing,
            hashing: Hashing::default(),
            shared: Recent::new(rate.window * (1 + rate.queue.div_ceil(rate.permits.max(1)))),
        }
    }

    /// The account of one connection.
    pub(crate) fn account(&self, principal: &Principal) -> Account {
        let now = Instant::now();
        let open = || Pace::new(self.algorithm, now);
        Account(match self.shares(principal) {
            Some(who) => self.shared.of(who, now, open),
            None => Arc::new(Mutex::new(open())),
        })
    }

    /// Counts a call: it may run at once, or from a moment on.
    pub(crate) fn ask(&self, account: &Account) -> Result<Option<Instant>, TooManyCalls> {
        let now = Instant::now();
        let verdict = account.0.lock().ask(&self.rate, now);
        match verdict {
            Verdict::Now => Ok(None),
            Verdict::At(due) => Ok(Some(due)),
            Verdict::Refused(again) => Err(TooManyCalls {
                calls: self.rate.permits,
                window: self.rate.window,
                again: Exhausted {
                    again: again.duration_since(now),
                },
            }),
        }
    }

    fn shares(&self, principal: &Principal) -> Option<Counted> {
        match self.sharing {
            Sharing::Connection => None,
            Sharing::User => self.hashing.user(principal),
            Sharing::Tenant => self.hashing.tenant(principal),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use super::*;

    fn user(tenant: &str, user: &str) -> Principal {
        Principal {
            tenant: Some(tenant.parse().unwrap()),
            user: Some(user.parse().unwrap()),
            ..Principal::anonymous()
        }
    }

    #[test]
    fn an_account_is_shared_by_those_who_are_counted_together() {
        let rate = Rate {
            permits: 1,
            window: Duration::from_secs(60),
            burst: 1,
            queue: 0,
        };
        let same = |sharing, one: &Principal, other: &Principal| {
            let limits = CallLimits::new(Algorithm::FixedWindow, rate, sharing);
            Arc::ptr_eq(&limits.account(one).0, &limits.account(other).0)
        };
        let (anna, bert, other) = (user("a", "anna"), user("a", "bert"), user("b", "anna"));
        assert!(!same(Sharing::Connection, &anna, &anna));
        assert!(same(Sharing::User, &anna, &anna));
        assert!(!same(Sharing::User, &anna, &bert));
        assert!(!same(Sharing::User, &anna, &other));
        assert!(same(Sharing::Tenant, &anna, &bert));
        assert!(!same(Sharing::Tenant, &anna, &other));
        let nobody = Principal::anonymous();
        assert!(!same(Sharing::User, &nobody, &nobody));
        assert!(!same(Sharing::Tenant, &nobody, &nobody));
    }
}
