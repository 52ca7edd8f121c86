//! How notifications are sent.

use std::time::Duration;

/// The settings under `Notifications` in the configuration, with the same defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationOptions {
    /// Whether accepted notifications go through a queue and are tried again. Without it each
    /// call waits for the backplane, once, and returns what it said.
    pub enable_background_processing: bool,
    /// The most notifications that leave together. Zero counts as one.
    pub batch_size: usize,
    /// The longest pause between two attempts while notifications wait. While the backplane
    /// answers there is no pause at all: what waits leaves at once.
    pub flush_interval: Duration,
    /// How often a notification is tried again after the first attempt failed. With a journal, what
    /// the backplane may take later is tried until it does.
    pub retry_attempts: u32,
    /// The pause before the first repetition; it doubles with each one, up to `flush_interval`,
    /// and is shortened at random by up to a half.
    pub retry_delay: Duration,
    /// The most notifications that wait. Over it new ones are refused as
    /// [`Overloaded`](super::NotifyError::Overloaded), as they are over
    /// [`QUEUED_BYTES`](Self::QUEUED_BYTES).
    pub queue_capacity: usize,
    /// For how long an idempotency key is remembered. Without a journal, at most 100,000 keys are.
    pub idempotency_window: Duration,
}

impl NotificationOptions {
    /// The most bytes that wait: 64 MiB.
    pub const QUEUED_BYTES: usize = 64 * 1024 * 1024;
}

impl Default for NotificationOptions {
    fn default() -> Self {
        Self {
            enable_background_processing: true,
            batch_size: 100,
            flush_interval: Duration::from_secs(5),
            retry_attempts: 3,
            retry_delay: Duration::from_secs(1),
            queue_capacity: 10_000,
            idempotency_window: Duration::from_secs(3_600),
        }
    }
}
