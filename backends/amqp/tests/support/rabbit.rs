//! A private server, and the harness around it.

use std::time::Duration;

use async_trait::async_trait;
use mesahub_amqp::{Address, AmqpBroker, AmqpConfig};
use mesahub_broker::conformance::{Fault, Harness, Node};
use mesahub_broker::{Inbox, InboxShard, LogBounds};
use mesahub_test_servers::{RabbitOptions, RabbitServer, let_pass};

/// Small, so that they are reached, and an age that a restart does not outlast.
pub const BOUNDS: LogBounds = LogBounds {
    max_count: 100,
    max_bytes: 64 * 1024,
    max_age: Duration::from_secs(60),
};

/// An age that can be waited for.
const HASTY: Duration = Duration::from_secs(3);

/// A private server, and the power over it.
pub struct Rabbit {
    pub server: RabbitServer,
}

impl Rabbit {
    /// With a fresh server.
    pub async fn start() -> Self {
        let server = RabbitServer::start(RabbitOptions::default()).await.unwrap();
        Self { server }
    }
}

/// The configuration for a server.
pub fn config(server: &RabbitServer) -> AmqpConfig {
    AmqpConfig {
        log: BOUNDS,
        ..AmqpConfig::new(vec![Address::new(server.host(), server.port())])
    }
}

/// A connected broker and its shards.
pub async fn open(config: AmqpConfig) -> (AmqpBroker, Vec<InboxShard>) {
    let (inbox, shards) = Inbox::new(3, 64);
    (AmqpBroker::open(config, inbox).await.unwrap(), shards)
}

#[async_trait]
impl Harness for Rabbit {
    async fn node(&self) -> Node {
        let (broker, shards) = open(config(&self.server)).await;
        Node::new(broker, shards)
    }

    async fn hasty(&self) -> (Node, Duration) {
        let (broker, shards) = open(AmqpConfig {
            log: LogBounds {
                max_age: HASTY,
                ..BOUNDS
            },
            ..config(&self.server)
        })
        .await;
        (Node::new(broker, shards), HASTY)
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
impl Fault for Rabbit {
    async fn stop(&self) {
        self.server.stop().await.unwrap();
    }

    async fn start(&self) {
        self.server.restart().await.unwrap();
    }
}
