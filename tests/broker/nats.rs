//! Around NATS.

use async_trait::async_trait;
use mesahub_broker::conformance::Fault;
use mesahub_test_servers::{NatsOptions, NatsServer};
use tokio::runtime::Runtime;

use crate::history::answers_like_a_list;
use crate::servers::{BOUNDS, Served, backplane, history};
use crate::support::the_wrappers_keep_every_promise;

struct Server(NatsServer);

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
async fn around_nats_the_wrappers_keep_every_promise() {
    let server = NatsServer::start(NatsOptions::default()).await.unwrap();
    let address = format!("nats://{}:{}", server.host(), server.port());
    let served = Served {
        backplane: backplane("Nats", &address),
        server: Server(server),
        bounds: BOUNDS,
    };
    the_wrappers_keep_every_promise(served, &["exact_subscriber_count: false", "log: true"]).await;
}

#[test]
fn a_log_on_nats_answers_like_a_list() {
    let runtime = Runtime::new().unwrap();
    let server = NatsServer::start(NatsOptions::default());
    let server = runtime.block_on(server).unwrap();
    let address = format!("nats://{}:{}", server.host(), server.port());
    let history = runtime.block_on(history(&backplane("Nats", &address)));
    answers_like_a_list(&runtime, &history);
}
