//! Pauses between attempts to connect.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use crate::config::AmqpConfig;

/// Pauses that double up to a bound, each with up to its own length added by chance, so that the
/// nodes of a cluster do not all come back at the same moment.
pub(crate) struct Backoff {
    builder: ExponentialBuilder,
    pauses: ExponentialBackoff,
    longest: Duration,
}

impl Backoff {
    pub(crate) fn new(config: &AmqpConfig) -> Self {
        let builder = ExponentialBuilder::default()
            .with_min_delay(config.min_backoff)
            .with_max_delay(config.max_backoff)
            .without_max_times()
            .with_jitter();
        Self {
            builder,
            pauses: builder.build(),
            longest: config.max_backoff,
        }
    }

    /// The next pause.
    pub(crate) fn next(&mut self) -> Duration {
        self.pauses.next().unwrap_or(self.longest)
    }

    /// Begins anew.
    pub(crate) fn reset(&mut self) {
        self.pauses = self.builder.build();
    }
}
