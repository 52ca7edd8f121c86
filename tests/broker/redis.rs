//! Around Redis.

use async_trait::async_trait;
use mesahub_broker::conformance::Fault;
use mesahub_test_servers::{RedisOptions, RedisServer};

use crate::servers::{BOUNDS, Served, backplane};
use crate::support::every_wrapper_keeps_every_promise;

struct Server(RedisServer);

#[async_trait]
impl Fault for Server {
    async fn stop(&self) {
        self.0.stop().await.unwrap();
    }

    async fn start(&self) {
        self.0.restart().await.unwrap();
    }
}

#[tokio::test]
async fn around_redis_every_wrapper_keeps_every_promise() {
    every_wrapper_keeps_every_promise(async || {
        let server = RedisServer::start(RedisOptions::default()).await.unwrap();
        Served {
            backplane: backplane("Redis", &format!("127.0.0.1:{}", server.port())),
            server: Server(server),
            bounds: BOUNDS,
        }
    })
    .await;
}
