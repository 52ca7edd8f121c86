//! Around Redis.

use async_trait::async_trait;
use mesahub_broker::conformance::Fault;
use mesahub_test_servers::{RedisOptions, RedisServer};
use tokio::runtime::Runtime;

use crate::history::answers_like_a_list;
use crate::servers::{BOUNDS, Served, backplane, history};
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

#[test]
fn a_log_on_redis_answers_like_a_list() {
    let runtime = Runtime::new().unwrap();
    let server = RedisServer::start(RedisOptions::default());
    let server = runtime.block_on(server).unwrap();
    let address = format!("127.0.0.1:{}", server.port());
    let history = runtime.block_on(history(&backplane("Redis", &address)));
    answers_like_a_list(&runtime, &history);
}
