//! What the notification service counts.

use crate::hub::counters::Counter;

/// Monotonic counters of one service, in notifications.
#[derive(Debug, Default)]
pub struct NotificationCounters {
    /// Taken from a caller.
    pub accepted: Counter,
    /// Taken by the backplane.
    pub published: Counter,
    /// Tried again; one that is tried again twice counts twice.
    pub retried: Counter,
    /// Given up and put among the dead letters.
    pub given_up: Counter,
    /// Refused because too many were waiting.
    pub refused: Counter,
}
