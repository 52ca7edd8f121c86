//! The servers of a cluster, and which of them this node is at.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::config::NatsConfig;
use crate::error::LinkError;
use crate::socket::Socket;

/// The configuration, and the server that answered last. Both connections of a node look for it
/// there first: at one server, whatever the one connection has subscribed is known before the other
/// publishes.
#[derive(Debug)]
pub(crate) struct Servers {
    pub(crate) config: NatsConfig,
    last: AtomicUsize,
}

impl Servers {
    pub(crate) fn new(config: NatsConfig) -> Self {
        Self {
            config,
            last: AtomicUsize::new(0),
        }
    }

    /// Connects to the server that answered last, or else to the next one that answers. When none
    /// does, gives what the first one said that was tried.
    pub(crate) async fn open(&self) -> Result<Socket, LinkError> {
        let addresses = &self.config.addresses;
        let first = self.last.load(Ordering::Relaxed);
        let mut failure = None;
        for step in 0..addresses.len() {
            let place = (first + step) % addresses.len();
            match Socket::open(&self.config, &addresses[place]).await {
                Ok(socket) => {
                    self.last.store(place, Ordering::Relaxed);
                    return Ok(socket);
                }
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        Err(failure.unwrap_or(LinkError::Nowhere))
    }
}
