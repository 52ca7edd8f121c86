//! Around NATS.

use async_trait::async_trait;
use mesahub_broker::conformance::Fault;
use mesahub_test_servers::{NatsOptions, NatsServer};

use crate::servers::{BOUNDS, Served, backplane};
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
