//! Nodes on a NATS of their own, as the configuration opens it.

use mesahub_test_servers::{NatsOptions, NatsServer};

use crate::fleet::{Fleet, opened};
use crate::live;

#[tokio::test(flavor = "multi_thread")]
async fn on_nats_nothing_is_missing_doubled_misordered_or_leaked() {
    let server = NatsServer::start(NatsOptions::default()).await.unwrap();
    let address = format!("nats://{}:{}", server.host(), server.port());
    let fleet = Fleet::start(async |inbox| opened("Nats", &address, inbox).await);
    live(fleet.await, 3).await;
}
