//! A backplane to be measured.

use async_trait::async_trait;
use mesahub_broker::LogBounds;

use crate::client::Client;

/// A backplane with a server of its own, if it has one.
#[async_trait]
pub(crate) trait Stage: Send + Sync {
    /// Its name, as features have it.
    const NAME: &'static str;

    /// What it is compared with.
    const FLOOR: &'static str;

    /// Starts the server.
    async fn start() -> Self;

    /// A node of ours.
    async fn ours(&self) -> Box<dyn Client>;

    /// One through the bare client library.
    async fn bare(&self) -> Box<dyn Client>;
}

/// The bounds of a log, as the configuration has them by default.
pub(crate) fn bounds() -> LogBounds {
    LogBounds {
        max_count: 256,
        max_bytes: 256 * 1024,
        max_age: std::time::Duration::from_secs(600),
    }
}
