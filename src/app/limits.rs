//! From settings to the limits of each room, each made once.

use std::sync::Arc;
use std::time::Duration;

use crate::config::{self, CallAccount, RateAlgorithm, Settings};
use crate::http::{ApiLimits, ServeLimits};
use crate::limits::{
    AdmissionOptions, Algorithm, CallLimits, ConnectionOptions, Entrance, FailureLimits,
    ForwardedHeader, PublishLimits, Rate, Sharing, TrustedProxies, memory_limit,
};
use crate::transport::EndpointLimits;

/// How often clients may call methods of the hub.
pub(super) fn calls(settings: &Settings) -> Option<Arc<CallLimits>> {
    let from = &settings.mesahub.limits.calls;
    let rate = Rate {
        permits: bound(from.permit_limit)?,
        window: from.window,
        burst: from.permit_limit,
        queue: from.queue_limit,
    };
    let algorithm = match from.algorithm {
        RateAlgorithm::FixedWindow => Algorithm::FixedWindow,
        RateAlgorithm::TokenBucket => Algorithm::TokenBucket,
    };
    let sharing = match from.per {
        CallAccount::Connection => Sharing::Connection,
        CallAccount::User => Sharing::User,
        CallAccount::Tenant => Sharing::Tenant,
    };
    Some(Arc::new(CallLimits::new(algorithm, rate, sharing)))
}

/// The limits of those who call the API and of those who connect, who share what is counted of an
/// address.
pub(super) fn callers(settings: &Settings) -> (ApiLimits, EndpointLimits) {
    let from = &settings.mesahub.limits;
    let failures = bound(from.failures.per_address)
        .map(|most| Arc::new(FailureLimits::new(most, from.failures.window)));
    let publishes = bound(from.publishes.per_second).map(|permits| {
        Arc::new(PublishLimits::new(Rate {
            permits,
            window: Duration::from_secs(1),
            burst: from.publishes.burst,
            queue: 0,
        }))
    });
    let api = ApiLimits {
        publishes,
        failures: failures.clone(),
        body_timeout: settings.mesahub.server.body_timeout,
    };
    let endpoint = EndpointLimits {
        entrance: Some(entrance(settings)),
        failures,
    };
    (api, endpoint)
}

/// The limits of every connection, and the proxies that are believed.
pub(super) fn serve(settings: &Settings) -> ServeLimits {
    let from = &settings.mesahub.server;
    let header = match from.forwarded_header {
        config::ForwardedHeader::XForwardedFor => ForwardedHeader::XForwardedFor,
        config::ForwardedHeader::Forwarded => ForwardedHeader::Forwarded,
    };
    ServeLimits {
        header_read_timeout: from.header_timeout,
        idle_timeout: from.idle_timeout,
        max_header_bytes: from.max_header_bytes,
        max_target_bytes: from.max_target_bytes,
        max_concurrent_streams: from.max_concurrent_streams,
        trusted_proxies: TrustedProxies::new(from.trusted_proxies.iter().copied(), header),
    }
}

fn entrance(settings: &Settings) -> Arc<Entrance> {
    let (connections, admission) = {
        let from = &settings.mesahub.limits;
        (&from.connections, &from.admission)
    };
    let options = ConnectionOptions {
        per_address: bound(connections.per_address),
        per_user: bound(connections.per_user),
        per_tenant: bound(connections.per_tenant),
        total: bound(connections.total),
    };
    // A tenth is left to those who are connected already.
    let memory = match admission.memory_bytes {
        0 => memory_limit().map(|bytes| bytes / 10 * 9),
        bytes => Some(bytes),
    };
    let admission = AdmissionOptions {
        memory,
        handshakes: bound(admission.handshakes),
    };
    Entrance::new(options, &admission)
}

/// Zero is no bound.
fn bound(most: u32) -> Option<u32> {
    (most > 0).then_some(most)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_setting_of_the_server_reaches_its_limits() {
        let mut settings = Settings::default();
        assert_eq!(serve(&settings), ServeLimits::default());
        let from = &mut settings.mesahub.server;
        from.header_timeout = Duration::from_secs(1);
        from.idle_timeout = Duration::from_secs(2);
        from.max_header_bytes = 8_193;
        from.max_target_bytes = 1_025;
        from.max_concurrent_streams = 5;
        from.body_timeout = Duration::from_secs(6);
        from.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        from.forwarded_header = config::ForwardedHeader::Forwarded;
        let proxies = settings.mesahub.server.trusted_proxies.clone();
        let expected = ServeLimits {
            header_read_timeout: Duration::from_secs(1),
            idle_timeout: Duration::from_secs(2),
            max_header_bytes: 8_193,
            max_target_bytes: 1_025,
            max_concurrent_streams: 5,
            trusted_proxies: TrustedProxies::new(proxies, ForwardedHeader::Forwarded),
        };
        assert_eq!(serve(&settings), expected);
        assert_eq!(callers(&settings).0.body_timeout, Duration::from_secs(6));
    }

    #[test]
    fn zero_is_no_bound() {
        let mut settings = Settings::default();
        assert!(calls(&settings).is_some());
        let (api, endpoint) = callers(&settings);
        assert!(api.publishes.is_some() && api.failures.is_some() && endpoint.failures.is_some());
        let from = &mut settings.mesahub.limits;
        from.calls.permit_limit = 0;
        from.publishes.per_second = 0;
        from.failures.per_address = 0;
        assert!(calls(&settings).is_none());
        let (api, endpoint) = callers(&settings);
        assert!(api.publishes.is_none() && api.failures.is_none() && endpoint.failures.is_none());
    }
}
