//! Around Redis.

use async_trait::async_trait;
use mesahub_broker::conformance::Fault;
use mesahub_test_servers::{RedisOptions, RedisServer};

use crate::servers::{BOUNDS, Served, backplane};
use crate::support::the_wrappers_keep_every_promise;

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
async fn around_redis_the_wrappers_keep_every_promise() {
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    let served = Served {
        backplane: backplane("Redis", &format!("127.0.0.1:{}", server.port())),
        server: Server(server),
        bounds: BOUNDS,
    };
    the_wrappers_keep_every_promise(served, &["log: true", "log_survives_restart: false"]).await;
}
