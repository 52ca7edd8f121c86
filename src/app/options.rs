//! From settings to the options of each room.

use mesahub_broker::LogBounds;

use crate::config::Settings;
use crate::hub::HubOptions;
use crate::notification::NotificationOptions;

/// The hub's limits and deadlines.
#[must_use]
pub fn hub(settings: &Settings) -> HubOptions {
    let signal_r = &settings.real_time.signal_r;
    let hub = &settings.mesahub.hub;
    HubOptions {
        enable_detailed_errors: signal_r.enable_detailed_errors,
        keep_alive_interval: signal_r.keep_alive_interval,
        client_timeout_interval: signal_r.client_timeout_interval,
        handshake_timeout: signal_r.handshake_timeout,
        maximum_receive_message_size: Some(signal_r.max_buffer_size),
        outbox_limit: hub.outbox_bytes,
        transport_buffer: signal_r.transport_max_buffer_size,
        stream_buffer_capacity: signal_r.stream_buffer_capacity,
        maximum_parallel_invocations: hub
            .maximum_parallel_invocations
            .try_into()
            .unwrap_or(std::num::NonZeroUsize::MIN),
        ..HubOptions::default()
    }
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
