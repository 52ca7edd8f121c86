//! Three nodes on Redis, whose logs end with it.

use async_trait::async_trait;
use mesahub_test_servers::{RedisOptions, RedisServer};

use crate::evening::{Backplane, three_nodes};

struct Server(RedisServer);

#[async_trait]
impl Backplane for Server {
    const FORGETS: bool = true;

    fn settings(&self) -> [(&'static str, String); 2] {
        let address = format!("{}:{}", self.0.host(), self.0.port());
        [
            ("RealTimeConfiguration:Provider", "Redis".to_owned()),
            ("RealTimeConfiguration:ConnectionString", address),
        ]
    }

    async fn restart(&self) {
        self.0.stop().await.unwrap();
        self.0.restart().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_redis_a_kitchen_with_the_official_client_misses_no_order() {
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    three_nodes(Server(server), 2).await;
}
