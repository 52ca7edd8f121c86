//! A private server, and the harness around it.

use std::time::Duration;

use async_trait::async_trait;
use mesahub_broker::conformance::{Fault, Harness, Node};
use mesahub_broker::{Inbox, InboxShard, LogBounds};
use mesahub_nats::{Address, LogConfig, NatsBroker, NatsConfig};
use mesahub_test_servers::{NatsOptions, NatsServer, let_pass};

/// Small, so that they are reached, and an age that can be waited for.
pub const BOUNDS: LogBounds = LogBounds {
    max_count: 100,
    max_bytes: 64 * 1024,
    max_age: Duration::from_secs(5),
};

/// A private server, and the power over it.
pub struct Nats {
    pub server: NatsServer,
    pub keeps_logs: bool,
}

impl Nats {
    /// With a fresh server.
    pub async fn start(keeps_logs: bool) -> Self {
        let server = NatsServer::start(NatsOptions {
            without_jet_stream: !keeps_logs,
            ..NatsOptions::default()
        });
        Self {
            server: server.await.unwrap(),
            keeps_logs,
        }
    }

    pub fn config(&self) -> NatsConfig {
        let config = config(&self.server);
        NatsConfig {
            log: config.log.filter(|_| self.keeps_logs),
            ..config
        }
    }
}

/// The configuration for a server.
pub fn config(server: &NatsServer) -> NatsConfig {
    NatsConfig {
        log: Some(LogConfig {
            bounds: BOUNDS,
            ..LogConfig::default()
        }),
        ..NatsConfig::new(vec![Address::new(server.host(), server.port())])
    }
}

/// A connected broker and its shards.
pub async fn open(config: NatsConfig) -> (NatsBroker, Vec<InboxShard>) {
    let (inbox, shards) = Inbox::new(3, 64);
    (NatsBroker::open(config, inbox).await.unwrap(), shards)
}

#[async_trait]
impl Harness for Nats {
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
impl Fault for Nats {
    async fn stop(&self) {
        self.server.stop().await.unwrap();
    }

    async fn start(&self) {
        self.server.restart().await.unwrap();
    }
}
