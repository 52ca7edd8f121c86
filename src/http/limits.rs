//! How much one connection may ask of the server.

use std::time::Duration;

/// Limits on every connection that [`serve`](super::serve) accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServeLimits {
    /// How long the head of a request may take to arrive, and so how long a connection may stay
    /// idle between two requests; a connection that has sent no request at all by then is
    /// dropped. 10 seconds by default.
    pub header_read_timeout: Duration,
    /// The most bytes that the head of a request may have. A longer one is answered with 431
    /// on HTTP/1. 64 KiB by default, at least 8 KiB.
    pub max_header_bytes: usize,
    /// The most requests that one HTTP/2 connection may have under way. 100 by default.
    pub max_concurrent_streams: u32,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            header_read_timeout: Duration::from_secs(10),
            max_header_bytes: 64 * 1024,
            max_concurrent_streams: 100,
        }
    }
}
