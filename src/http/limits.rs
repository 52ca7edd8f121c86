//! How much may be asked of the server.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::problem::Problem;
use crate::auth::Principal;
use crate::limits::{FailureLimits, PublishLimits, TrustedProxies};

/// Limits on every connection that [`serve`](super::serve) accepts, and whom it believes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServeLimits {
    /// How long the head of a request may take to arrive, and so how long an HTTP/1 connection may
    /// stay idle between two requests; a connection that has sent no request at all by then is
    /// dropped. 10 seconds by default.
    pub header_read_timeout: Duration,
    /// How long any connection may be without a request under way; one whose client does not take an
    /// answer that is there counts as being without. 60 seconds by default. It is asked to end, and dropped if it
    /// has not after another `header_read_timeout`.
    pub idle_timeout: Duration,
    /// The most bytes that the head of a request may have. A longer one is answered with 431
    /// on HTTP/1. 64 KiB by default, at least 8 KiB.
    pub max_header_bytes: usize,
    /// The most bytes that the path and the query of a request may have. Longer ones are answered
    /// with 414. 32 KiB by default, which is room for a token.
    pub max_target_bytes: usize,
    /// The most requests that one HTTP/2 connection may have under way. 100 by default.
    pub max_concurrent_streams: u32,
    /// The proxies whose word is taken for where a request comes from; none by default.
    pub trusted_proxies: TrustedProxies,
}

/// Limits on those who call the API.
#[derive(Debug, Clone)]
pub struct ApiLimits {
    /// How much may be published; without any bound by default.
    pub publishes: Option<Arc<PublishLimits>>,
    /// How often an address may show credentials that are not accepted; without any bound by default.
    pub failures: Option<Arc<FailureLimits>>,
    /// How long the body of a request may take to arrive. 30 seconds by default.
    pub body_timeout: Duration,
}

impl ApiLimits {
    /// Counts what a service is about to publish.
    ///
    /// # Errors
    /// 429 when it has published too much lately.
    pub(super) fn publish(&self, principal: &Principal, count: usize) -> Result<(), Problem> {
        let Some(limits) = &self.publishes else {
            return Ok(());
        };
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        limits.take(principal, count).map_err(|exhausted| {
            let detail = "more was published than this service may";
            Problem::exhausted("too_many_publishes", detail, exhausted)
        })
    }

    /// Counts credentials that were not accepted.
    ///
    /// # Errors
    /// 429 when there were too many from this address lately.
    pub(super) fn failed(&self, address: Option<IpAddr>) -> Result<(), Problem> {
        let Some(limits) = &self.failures else {
            return Ok(());
        };
        limits.note(address).map_err(|exhausted| {
            let detail = "too many tokens from this address were not accepted";
            Problem::exhausted("too_many_failures", detail, exhausted)
        })
    }
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            header_read_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            max_header_bytes: 64 * 1024,
            max_target_bytes: 32 * 1024,
            max_concurrent_streams: 100,
            trusted_proxies: TrustedProxies::default(),
        }
    }
}

impl Default for ApiLimits {
    fn default() -> Self {
        Self {
            publishes: None,
            failures: None,
            body_timeout: Duration::from_secs(30),
        }
    }
}
