//! From settings to the options of each room.

use mesahub_broker::{Capabilities, LogBounds};
use mesahub_protocol::{Protocol, TransportKind};

use crate::auth::ClaimNames;
use crate::config::{self, Backplane, ClaimSettings, Settings};
use crate::hub::{HubOptions, NodeOptions, Wire};
use crate::notification::NotificationOptions;
use crate::transport::TransportOptions;

/// The names of the claims that say who a token stands for.
#[must_use]
pub fn claim_names(settings: &ClaimSettings) -> ClaimNames {
    ClaimNames {
        tenant_key: settings.tenant_key.clone(),
        user_id: settings.user_id.clone(),
        role: settings.role.clone(),
        session_id: settings.session_id.clone(),
    }
}

/// The hub's limits and deadlines, and who else is on the backplane.
#[must_use]
pub fn hub(settings: &Settings, backplane: &Backplane) -> HubOptions {
    let signal_r = &settings.real_time.signal_r;
    let hub = &settings.mesahub.hub;
    let wanted =
        |protocol: &Protocol| *protocol == Protocol::Json || signal_r.enable_message_pack_protocol;
    HubOptions {
        protocols: Protocol::ALL.iter().copied().filter(wanted).collect(),
        enable_detailed_errors: signal_r.enable_detailed_errors,
        keep_alive_interval: signal_r.keep_alive_interval,
        client_timeout_interval: signal_r.client_timeout_interval,
        handshake_timeout: signal_r.handshake_timeout,
        maximum_receive_message_size: Some(signal_r.max_buffer_size),
        outbox_limit: hub.outbox_bytes,
        stream_buffer_capacity: signal_r.stream_buffer_capacity,
        maximum_parallel_invocations: hub
            .maximum_parallel_invocations
            .try_into()
            .unwrap_or(std::num::NonZeroUsize::MIN),
        invocation_backlog: hub.invocation_backlog,
        wire: wire(backplane),
        ..HubOptions::default()
    }
}

/// How the node lives beside others, if the backplane joins several processes.
#[must_use]
pub fn node(settings: &Settings, can: Capabilities) -> NodeOptions {
    NodeOptions {
        lease: can
            .separate_server
            .then_some(settings.mesahub.cluster.lease),
        check_interval: Some(settings.mesahub.log.check_interval),
    }
}

/// Only Redis can be shared with ASP.NET Core.
fn wire(backplane: &Backplane) -> Wire {
    match backplane {
        Backplane::Redis(redis) if redis.wire == config::Wire::AspNetCore => Wire::AspNetCore {
            hub_type_name: redis.hub_type_name.clone().unwrap_or_default(),
        },
        _ => Wire::Mesahub,
    }
}

/// The limits and deadlines of the hub's transports.
#[must_use]
pub fn transport(settings: &Settings) -> TransportOptions {
    let hub = &settings.mesahub.hub;
    TransportOptions {
        poll_timeout: hub.long_polling.poll_timeout,
        disconnect_timeout: hub.disconnect_timeout,
        send_timeout: hub.transport_send_timeout,
        body_timeout: settings.mesahub.server.body_timeout,
        close_timeout: hub.web_sockets.close_timeout,
        application_buffer: hub.application_max_buffer_size,
        transport_buffer: settings.real_time.signal_r.transport_max_buffer_size,
        stateful_reconnect: hub.allow_stateful_reconnects,
        stateful_reconnect_buffer: hub.stateful_reconnect_buffer_size,
    }
}

/// The transports that the hub is served over.
#[must_use]
pub fn transports(settings: &Settings) -> Vec<TransportKind> {
    let kind = |transport: &config::Transport| match transport {
        config::Transport::WebSockets => TransportKind::WebSockets,
        config::Transport::ServerSentEvents => TransportKind::ServerSentEvents,
        config::Transport::LongPolling => TransportKind::LongPolling,
    };
    settings.mesahub.hub.transports.iter().map(kind).collect()
}

/// How notifications are sent.
#[must_use]
pub fn notifications(settings: &Settings) -> NotificationOptions {
    let from = &settings.real_time.notifications;
    NotificationOptions {
        enable_background_processing: from.enable_background_processing,
        batch_size: from.batch_size,
        flush_interval: from.flush_interval,
        retry_attempts: from.retry_attempts,
        retry_delay: from.retry_delay,
        idempotency_window: from.idempotency_window,
        ..NotificationOptions::default()
    }
}

/// The bounds of each topic's log.
#[must_use]
pub fn log(settings: &Settings) -> LogBounds {
    let log = &settings.mesahub.log;
    LogBounds {
        max_count: log.max_count,
        max_bytes: log.max_bytes,
        max_age: log.max_age,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mesahub_broker::{Capabilities, MAX_PAYLOAD};
    use mesahub_protocol::{Protocol, TransportKind};

    use super::{hub, log, node, notifications, transport, transports};
    use crate::config::{self, Backplane, Provider, Settings};
    use crate::hub::Wire;
    use crate::transport::TransportOptions;

    #[test]
    fn every_setting_of_the_hub_reaches_its_options() {
        let mut settings = Settings::default();
        let signal_r = &mut settings.real_time.signal_r;
        signal_r.enable_message_pack_protocol = false;
        signal_r.enable_detailed_errors = true;
        signal_r.keep_alive_interval = Duration::from_secs(3);
        signal_r.client_timeout_interval = Duration::from_secs(7);
        signal_r.handshake_timeout = Duration::from_secs(2);
        signal_r.max_buffer_size = 1_000;
        signal_r.stream_buffer_capacity = 4;
        settings.mesahub.hub.outbox_bytes = 5_000;
        settings.mesahub.hub.maximum_parallel_invocations = 6;
        settings.mesahub.hub.invocation_backlog = 8;
        let options = hub(&settings, &Backplane::Memory);
        assert_eq!(options.wire, Wire::Mesahub);
        assert_eq!(options.protocols, [Protocol::Json]);
        assert!(options.enable_detailed_errors);
        assert_eq!(options.keep_alive_interval, Duration::from_secs(3));
        assert_eq!(options.client_timeout_interval, Duration::from_secs(7));
        assert_eq!(options.handshake_timeout, Duration::from_secs(2));
        assert_eq!(options.maximum_receive_message_size, Some(1_000));
        assert_eq!(options.stream_buffer_capacity, 4);
        assert_eq!(options.outbox_limit, 5_000);
        assert_eq!(options.maximum_parallel_invocations.get(), 6);
        assert_eq!(options.invocation_backlog, 8);
    }

    #[test]
    fn every_setting_of_the_transports_reaches_its_options() {
        let mut settings = Settings::default();
        assert_eq!(transport(&settings).poll_timeout, Duration::from_secs(90));
        settings.real_time.signal_r.transport_max_buffer_size = 2_000;
        let from = &mut settings.mesahub.hub;
        from.transports = vec![
            config::Transport::LongPolling,
            config::Transport::WebSockets,
        ];
        from.transport_send_timeout = Duration::from_secs(21);
        from.disconnect_timeout = Duration::from_secs(22);
        from.application_max_buffer_size = 2_300;
        from.web_sockets.close_timeout = Duration::from_secs(24);
        from.long_polling.poll_timeout = Duration::from_secs(25);
        settings.mesahub.server.body_timeout = Duration::from_secs(26);
        let from = &mut settings.mesahub.hub;
        from.allow_stateful_reconnects = true;
        from.stateful_reconnect_buffer_size = 2_600;
        assert_eq!(
            transport(&settings),
            TransportOptions {
                poll_timeout: Duration::from_secs(25),
                disconnect_timeout: Duration::from_secs(22),
                send_timeout: Duration::from_secs(21),
                body_timeout: Duration::from_secs(26),
                close_timeout: Duration::from_secs(24),
                application_buffer: 2_300,
                transport_buffer: 2_000,
                stateful_reconnect: true,
                stateful_reconnect_buffer: 2_600,
            }
        );
        let kinds = [TransportKind::LongPolling, TransportKind::WebSockets];
        assert_eq!(transports(&settings), kinds);
    }

    #[test]
    fn the_lease_reaches_a_node_that_may_have_others_beside_it() {
        let mut settings = Settings::default();
        settings.mesahub.cluster.lease = Duration::from_secs(18);
        let can = |separate_server| Capabilities {
            log: true,
            log_survives_restart: false,
            exact_subscriber_count: true,
            separate_server,
            max_payload: MAX_PAYLOAD,
        };
        let lease = Some(Duration::from_secs(18));
        assert_eq!(node(&settings, can(true)).lease, lease);
        settings.mesahub.log.check_interval = Duration::from_secs(18);
        let interval = node(&settings, can(false)).check_interval;
        assert_eq!(interval, Some(Duration::from_secs(18)));
        assert_eq!(node(&settings, can(false)).lease, None);
    }

    #[test]
    fn the_wire_of_aspnetcore_comes_with_the_hubs_type_name() {
        let mut settings = Settings::default();
        settings.real_time.provider = Provider::Redis;
        settings.real_time.redis.wire = config::Wire::AspNetCore;
        settings.real_time.redis.hub_type_name = "Contoso.Live.RoomHub".to_owned();
        let backplane = settings.backplane().unwrap();
        let wire = hub(&settings, &backplane).wire;
        let hub_type_name = "Contoso.Live.RoomHub".to_owned();
        assert_eq!(wire, Wire::AspNetCore { hub_type_name });
    }

    #[test]
    fn every_setting_of_notifications_and_logs_reaches_its_options() {
        let mut settings = Settings::default();
        let from = &mut settings.real_time.notifications;
        from.enable_background_processing = false;
        from.batch_size = 11;
        from.flush_interval = Duration::from_secs(12);
        from.retry_attempts = 13;
        from.retry_delay = Duration::from_millis(14);
        settings.mesahub.log.max_count = 15;
        settings.mesahub.log.max_bytes = 16;
        settings.mesahub.log.max_age = Duration::from_secs(17);
        let (to, bounds) = (notifications(&settings), log(&settings));
        assert!(!to.enable_background_processing);
        assert_eq!(to.batch_size, 11);
        assert_eq!(to.flush_interval, Duration::from_secs(12));
        assert_eq!(to.retry_attempts, 13);
        assert_eq!(to.retry_delay, Duration::from_millis(14));
        assert_eq!((bounds.max_count, bounds.max_bytes), (15, 16));
        assert_eq!(bounds.max_age, Duration::from_secs(17));
    }
}
