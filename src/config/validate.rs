//! What each value alone cannot tell: whether the values fit together.

use super::{
    choice::{Transport, Wire},
    environment::Environment,
    resolve::backplane,
    settings::Settings,
    token_keys,
};

/// A key to change, and why, written to follow the key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) key: &'static str,
    pub(super) problem: String,
}

impl Finding {
    pub(super) fn new(key: &'static str, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self { key, problem }
    }
}

/// Everything that does not fit.
pub(super) fn findings(settings: &Settings, environment: &Environment) -> Vec<Finding> {
    [
        notice(settings),
        timeouts(settings),
        transports(settings),
        outbox(settings),
        check_interval(settings),
        journal(settings),
        wire(settings),
        metrics(settings),
        backplane(&settings.real_time).err(),
    ]
    .into_iter()
    .flatten()
    .chain(token_keys::findings(
        &settings.mesahub.authentication,
        environment,
    ))
    .collect()
}

fn notice(settings: &Settings) -> Option<Finding> {
    let server = &settings.mesahub.server;
    let (notice, timeout) = (server.drain.notice, server.shutdown_timeout);
    (notice * 2 > timeout).then(|| {
        Finding::new(
            "Mesahub:Server:Drain:Notice",
            format!(
                "is {} s; expected at most half of Mesahub:Server:ShutdownTimeout, which is {} s",
                notice.as_secs(),
                timeout.as_secs()
            ),
        )
    })
}

fn timeouts(settings: &Settings) -> Option<Finding> {
    let signal_r = &settings.real_time.signal_r;
    let (timeout, interval) = (
        signal_r.client_timeout_interval,
        signal_r.keep_alive_interval,
    );
    (timeout < interval * 2).then(|| {
        Finding::new(
            "RealTimeConfiguration:SignalR:ClientTimeoutInterval",
            format!(
                "is {} s; expected at least twice KeepAliveInterval, which is {} s",
                timeout.as_secs(),
                interval.as_secs()
            ),
        )
    })
}

fn transports(settings: &Settings) -> Option<Finding> {
    let hub = &settings.mesahub.hub;
    if hub.transports.is_empty() {
        let names = Transport::NAMES.join(", ");
        return Some(Finding::new(
            "Mesahub:Hub:Transports",
            format!("is empty; expected at least one of {names}"),
        ));
    }
    let inert = hub.allow_stateful_reconnects && !hub.transports.contains(&Transport::WebSockets);
    inert.then(|| {
        Finding::new(
            "Mesahub:Hub:AllowStatefulReconnects",
            "is true while Mesahub:Hub:Transports has no WebSockets; expected both or neither, since only they reconnect so",
        )
    })
}

fn outbox(settings: &Settings) -> Option<Finding> {
    let outbox = settings.mesahub.hub.outbox_bytes;
    let buffer = settings.real_time.signal_r.transport_max_buffer_size;
    (outbox < buffer).then(|| {
        Finding::new(
            "Mesahub:Hub:OutboxBytes",
            format!("is {outbox} bytes; expected at least RealTimeConfiguration:SignalR:TransportMaxBufferSize, which is {buffer} bytes"),
        )
    })
}

fn check_interval(settings: &Settings) -> Option<Finding> {
    let log = &settings.mesahub.log;
    let (interval, age) = (log.check_interval, log.max_age);
    (interval >= age).then(|| {
        Finding::new(
            "Mesahub:Log:CheckInterval",
            format!(
                "is {} s; expected less than Mesahub:Log:MaxAge, which is {} s",
                interval.as_secs(),
                age.as_secs()
            ),
        )
    })
}

fn journal(settings: &Settings) -> Option<Finding> {
    let notifications = &settings.real_time.notifications;
    let inert = notifications.journal.enabled && !notifications.enable_background_processing;
    inert.then(|| {
        Finding::new(
            "RealTimeConfiguration:Notifications:Journal:Enabled",
            "is true while EnableBackgroundProcessing is false; expected both or neither, since what is published at once waits nowhere",
        )
    })
}

fn wire(settings: &Settings) -> Option<Finding> {
    let redis = &settings.real_time.redis;
    (redis.wire == Wire::AspNetCore && redis.hub_type_name.is_empty()).then(|| {
        Finding::new(
            "RealTimeConfiguration:Redis:HubTypeName",
            "is empty while Wire is AspNetCore; expected the hub's full .NET type name, such as MesaApi.Hubs.NotificationHub",
        )
    })
}

/// On an address of its own any path will do.
fn metrics(settings: &Settings) -> Option<Finding> {
    let metrics = &settings.mesahub.metrics;
    if !metrics.enabled || metrics.address.is_some() {
        return None;
    }
    let (path, hub) = (metrics.path.as_str(), settings.mesahub.hub.path.as_str());
    let taken = [hub, "/api/v1", "/health", "/openapi.json"];
    let is_below = |taken: &&str| {
        let rest = path.strip_prefix(*taken);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    taken.iter().find(|taken| is_below(taken)).map(|taken| {
        Finding::new(
            "Mesahub:Metrics:Path",
            format!("is {path}; expected a path that is not {taken} or below it"),
        )
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Environment, Settings, Transport, Wire, findings};
    use crate::config::Secret;

    fn keys(settings: &Settings, environment: &Environment) -> Vec<&'static str> {
        let findings = findings(settings, environment);
        findings.into_iter().map(|finding| finding.key).collect()
    }

    #[test]
    fn the_defaults_fit_together_in_development() {
        assert!(keys(&Settings::default(), &Environment::Development).is_empty());
    }

    #[test]
    fn every_pair_that_cannot_be_is_found() {
        let mut settings = Settings::default();
        settings.real_time.signal_r.client_timeout_interval = Duration::from_secs(29);
        settings.mesahub.hub.transports = vec![Transport::LongPolling];
        settings.mesahub.hub.allow_stateful_reconnects = true;
        settings.mesahub.hub.outbox_bytes = 32_767;
        settings.mesahub.log.max_age = Duration::from_secs(30);
        settings.real_time.redis.wire = Wire::AspNetCore;
        settings.real_time.connection_string = Secret::new("redis://a");

        assert_eq!(
            keys(&settings, &Environment::Development),
            [
                "RealTimeConfiguration:SignalR:ClientTimeoutInterval",
                "Mesahub:Hub:AllowStatefulReconnects",
                "Mesahub:Hub:OutboxBytes",
                "Mesahub:Log:CheckInterval",
                "RealTimeConfiguration:Redis:HubTypeName",
                "RealTimeConfiguration:ConnectionString",
            ]
        );
    }

    #[test]
    fn metrics_need_a_path_that_nothing_else_has_unless_they_have_an_address() {
        for (path, is_free) in [
            ("/metrics", true),
            ("/healthy", true),
            ("/health/metrics", false),
            ("/api/v1", false),
            ("/hubs/notifications/negotiate", false),
        ] {
            let mut settings = Settings::default();
            settings.mesahub.metrics.path = path.parse().expect("a path");
            let found = keys(&settings, &Environment::Development);
            assert_eq!(found.is_empty(), is_free, "{path}: {found:?}");
            settings.mesahub.metrics.address = Some(([127, 0, 0, 1], 0).into());
            assert!(keys(&settings, &Environment::Development).is_empty());
        }
    }

    #[test]
    fn an_empty_list_of_algorithms_or_transports_is_found() {
        let mut settings = Settings::default();
        settings.mesahub.authentication.algorithms.clear();
        settings.mesahub.hub.transports.clear();

        assert_eq!(
            keys(&settings, &Environment::Production),
            [
                "Mesahub:Hub:Transports",
                "Mesahub:Authentication:Algorithms"
            ]
        );
    }
}
