//! Nodes on a Redis of their own, as the configuration opens it.

use mesahub_test_servers::{RedisOptions, RedisServer};

use crate::fleet::{Fleet, opened};
use crate::live;

#[tokio::test(flavor = "multi_thread")]
async fn on_redis_nothing_is_missing_doubled_misordered_or_leaked() {
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    let address = format!("127.0.0.1:{}", server.port());
    let fleet = Fleet::start(async |inbox| opened("Redis", &address, inbox).await);
    live(fleet.await, 2).await;
}
