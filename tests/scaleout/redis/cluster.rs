//! Nodes on a cluster of three primaries, as the configuration opens it.

use async_trait::async_trait;
use mesahub_test_servers::RedisCluster;

use crate::fleet::{Accepted, Fleet, opened};
use crate::outage::Outage;
use crate::{live, live_through};

/// Every primary is killed, and started again with nothing in it.
struct Restarted(RedisCluster);

/// Every primary cuts its clients off.
struct Cut(RedisCluster);

#[async_trait]
impl Outage for Restarted {
    const IS_AWAY: bool = true;
    const IS_NOTICED: bool = true;
    const FORGETS: bool = true;

    async fn begin(&self) {
        self.0.stop().await.unwrap();
    }

    async fn end(&self) {
        self.0.restart().await.unwrap();
    }
}

#[async_trait]
impl Outage for Cut {
    const IS_AWAY: bool = false;
    const IS_NOTICED: bool = true;
    const FORGETS: bool = false;

    async fn begin(&self) {
        for node in self.0.nodes() {
            for kind in ["pubsub", "normal"] {
                let words = ["CLIENT", "KILL", "TYPE", kind];
                node.command(&words).await.unwrap();
            }
        }
    }

    async fn end(&self) {}
}

async fn cluster() -> (RedisCluster, String) {
    let cluster = RedisCluster::start(3, 0).await.unwrap();
    let nodes = cluster.nodes().iter();
    let addresses: Vec<_> = nodes
        .map(|node| format!("127.0.0.1:{}", node.port()))
        .collect();
    (cluster, addresses.join(","))
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_redis_cluster_nothing_is_missing_doubled_misordered_or_leaked() {
    let (_cluster, addresses) = cluster().await;
    let fleet = Fleet::start(async |inbox| opened("Redis", &addresses, inbox).await);
    live(fleet.await, 12).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_redis_cluster_cut_connections_lose_nothing_at_all() {
    let (cluster, addresses) = cluster().await;
    let open = async |inbox| opened("Redis", &addresses, inbox).await;
    let fleet = Fleet::start_with(Accepted::Taken, open).await;
    live_through(&Cut(cluster), fleet, 13).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_redis_cluster_a_restart_loses_nothing_in_silence() {
    let (cluster, addresses) = cluster().await;
    let open = async |inbox| opened("Redis", &addresses, inbox).await;
    let fleet = Fleet::start_with(Accepted::Taken, open).await;
    live_through(&Restarted(cluster), fleet, 14).await;
}
