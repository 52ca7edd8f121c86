//! A private cluster, and the harness around it.

use std::time::Duration;

use async_trait::async_trait;
use mesahub_broker::LogBounds;
use mesahub_broker::conformance::{Fault, Harness, Node};
use mesahub_redis::{Address, Deployment, Framing, RedisConfig};
use mesahub_test_servers::{RedisCluster, let_pass};

use super::{BOUNDS, open};

/// A private cluster, and the power over it.
pub struct Cluster {
    pub servers: RedisCluster,
    pub framing: Framing,
}

impl Cluster {
    /// With three fresh primaries, and so many replicas for each.
    pub async fn start(framing: Framing, replicas: usize) -> Self {
        let servers = RedisCluster::start(3, replicas).await.unwrap();
        Self { servers, framing }
    }

    pub fn config(&self) -> RedisConfig {
        let nodes = self.servers.nodes().iter();
        let addresses = nodes.map(|node| Address::new("127.0.0.1", node.port()));
        RedisConfig {
            prefix: "mesahub:".to_owned(),
            framing: self.framing,
            log: BOUNDS,
            response_timeout: Duration::from_secs(1),
            ..RedisConfig::new(Deployment::Cluster {
                addresses: addresses.collect(),
            })
        }
    }
}

#[async_trait]
impl Harness for Cluster {
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
impl Fault for Cluster {
    async fn stop(&self) {
        self.servers.stop().await.unwrap();
    }

    async fn start(&self) {
        self.servers.restart().await.unwrap();
    }
}
