//! A private server, and the harness around it.

use std::time::Duration;

use async_trait::async_trait;
use mesahub_broker::conformance::{Fault, Harness, Node};
use mesahub_broker::{Inbox, InboxShard, LogBounds};
use mesahub_redis::{Address, Deployment, Framing, RedisBroker, RedisConfig};
use mesahub_test_servers::{RedisOptions, RedisServer, let_pass};

/// Small, so that they are reached, and an age that can be waited for.
pub const BOUNDS: LogBounds = LogBounds {
    max_count: 100,
    max_bytes: 64 * 1024,
    max_age: Duration::from_secs(5),
};

/// A private server, and the power over it.
pub struct Redis {
    pub server: RedisServer,
    pub framing: Framing,
}

impl Redis {
    /// With a fresh server.
    pub async fn start(framing: Framing) -> Self {
        let server = RedisServer::start(RedisOptions::default()).await.unwrap();
        Self { server, framing }
    }

    pub fn config(&self) -> RedisConfig {
        RedisConfig {
            prefix: "mesahub:".to_owned(),
            framing: self.framing,
            ..config(&self.server)
        }
    }
}

/// The configuration for a server.
pub fn config(server: &RedisServer) -> RedisConfig {
    let address = Address::new("127.0.0.1", server.port());
    RedisConfig {
        log: BOUNDS,
        ..RedisConfig::new(Deployment::Single(address))
    }
}

/// A connected broker and its shards.
pub async fn open(config: RedisConfig) -> (RedisBroker, Vec<InboxShard>) {
    let (inbox, shards) = Inbox::new(3, 64);
    (RedisBroker::open(config, inbox).await.unwrap(), shards)
}

#[async_trait]
impl Harness for Redis {
    async fn node(&self) -> Node {
        let (broker, shards) = open(self.config()).await;
        Node::new(broker, shards)
    }

    fn bounds(&self) -> LogBounds {
        BOUNDS
    }

    async fn pass(&self, time: Duration) {
        let_pass(time).await;
    }

    fn fault(&self) -> Option<&dyn Fault> {
        Some(self)
    }
}

#[async_trait]
impl Fault for Redis {
    async fn stop(&self) {
        self.server.stop().await.unwrap();
    }

    async fn start(&self) {
        self.server.restart().await.unwrap();
    }
}
