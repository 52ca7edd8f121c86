//! A harness of nodes in one network, on a paused clock.

use std::time::Duration;

use async_trait::async_trait;
use mesahub_broker::{
    Inbox, LogBounds,
    conformance::{Fault, Harness, Node},
};
use mesahub_memory::{MemoryBroker, MemoryConfig, MemoryNetwork};

pub struct Memory {
    network: MemoryNetwork,
}

pub const BOUNDS: LogBounds = LogBounds {
    max_count: 50,
    max_bytes: 16 * 1024,
    max_age: Duration::from_secs(60),
};

impl Memory {
    pub fn network() -> MemoryNetwork {
        MemoryNetwork::new(MemoryConfig { log: BOUNDS })
    }
}

impl Default for Memory {
    fn default() -> Self {
        let network = Self::network();
        Self { network }
    }
}

#[async_trait]
impl Harness for Memory {
    async fn node(&self) -> Node {
        let (inbox, shards) = Inbox::new(3, 64);
        Node::new(MemoryBroker::join(&self.network, inbox), shards)
    }

    fn bounds(&self) -> LogBounds {
        BOUNDS
    }

    async fn pass(&self, time: Duration) {
        tokio::time::advance(time).await;
    }

    fn fault(&self) -> Option<&dyn Fault> {
        None
    }
}
