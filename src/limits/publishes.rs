//! How much a back end may publish over HTTP.

use tokio::time::Instant;

use super::bucket::TokenBucket;
use super::counted::{Counted, Hashing};
use super::pace::{Rate, Verdict};
use super::recent::Recent;
use super::refused::Exhausted;
use crate::auth::{Principal, ServiceScope};

/// How many notifications a service may publish. Services for the same single tenant share one
/// bucket; one for several has a bucket for its token.
#[derive(Debug)]
pub struct PublishLimits {
    rate: Rate,
    hashing: Hashing,
    buckets: Recent<TokenBucket>,
}

impl PublishLimits {
    /// Buckets of this rate; nobody waits.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        let rate = Rate { queue: 0, ..rate };
        // A bucket that was left alone for as long as it takes to fill is like a new one.
        let fills = rate.window / rate.permits.max(1) * rate.burst;
        Self {
            rate,
            hashing: Hashing::default(),
            buckets: Recent::new(fills.max(rate.window)),
        }
    }

    /// Counts so many notifications of a service. More than the bucket holds count as a full one.
    ///
    /// # Errors
    /// When it has published too many lately; then none are counted.
    pub fn take(&self, principal: &Principal, count: u32) -> Result<(), Exhausted> {
        let now = Instant::now();
        let bucket = self
            .buckets
            .of(self.who(principal), now, || TokenBucket::new(now));
        let verdict = bucket.lock().ask(&self.rate, count, now);
        match verdict {
            Verdict::Refused(again) => Err(Exhausted {
                again: again.duration_since(now),
            }),
            Verdict::Now | Verdict::At(_) => Ok(()),
        }
    }

    fn who(&self, principal: &Principal) -> Counted {
        if let Some(ServiceScope::Tenants(tenants)) = &principal.service
            && let [tenant] = &**tenants
        {
            return self.hashing.named(tenant.as_str());
        }
        match &principal.token_id {
            Some(id) => self.hashing.token(id),
            None => {
                let user = self.hashing.user(principal);
                user.unwrap_or_else(|| self.hashing.nobody())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use super::*;

    fn service(tenants: &[&str], token: Option<&str>) -> Principal {
        let scope = match tenants {
            [] => ServiceScope::Every,
            tenants => {
                ServiceScope::Tenants(tenants.iter().map(|key| key.parse().unwrap()).collect())
            }
        };
        Principal {
            service: Some(scope),
            token_id: token.map(Into::into),
            ..Principal::anonymous()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_tenant_and_each_token_has_a_bucket_that_fills() {
        let limits = PublishLimits::new(Rate {
            permits: 1,
            window: Duration::from_secs(1),
            burst: 2,
            queue: 0,
        });
        let pizza = service(&["pizza"], Some("1"));
        assert_eq!(limits.take(&pizza, 2), Ok(()));
        let again = Duration::from_secs(1);
        let same_tenant = service(&["pizza"], Some("2"));
        assert_eq!(limits.take(&same_tenant, 1), Err(Exhausted { again }));
        assert_eq!(limits.take(&service(&["sushi"], Some("1")), 2), Ok(()));
        assert_eq!(limits.take(&service(&[], Some("1")), 2), Ok(()));
        assert_eq!(limits.take(&service(&[], Some("2")), 2), Ok(()));
        assert_eq!(limits.take(&service(&[], None), 2), Ok(()));
        assert!(limits.take(&service(&[], Some("1")), 1).is_err());
        tokio::time::advance(again).await;
        assert_eq!(limits.take(&same_tenant, 1), Ok(()));
        assert!(limits.take(&pizza, 1).is_err());
    }
}
