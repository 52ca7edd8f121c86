//! Three nodes on NATS.

use async_trait::async_trait;
use mesahub_test_servers::{NatsOptions, NatsServer};

use crate::evening::{Backplane, three_nodes};

struct Server(NatsServer);

#[async_trait]
impl Backplane for Server {
    const FORGETS: bool = false;

    fn settings(&self) -> [(&'static str, String); 2] {
        let address = format!("nats://{}:{}", self.0.host(), self.0.port());
        [
            ("RealTimeConfiguration:Provider", "Nats".to_owned()),
            ("RealTimeConfiguration:ConnectionString", address),
        ]
    }

    async fn restart(&self) {
        self.0.stop().await.unwrap();
        self.0.restart().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_nats_a_kitchen_with_the_official_client_misses_no_order() {
    let server = NatsServer::start(NatsOptions::default()).await.unwrap();
    three_nodes(Server(server), 3).await;
}
