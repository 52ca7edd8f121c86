//! Nodes on a RabbitMQ of their own, as the configuration opens it.

use mesahub_test_servers::{RabbitOptions, RabbitServer};

use crate::fleet::{Fleet, opened};
use crate::live;

#[tokio::test(flavor = "multi_thread")]
async fn on_rabbitmq_nothing_is_missing_doubled_misordered_or_leaked() {
    let server = RabbitServer::start(RabbitOptions::default()).await.unwrap();
    let address = format!("amqp://{}:{}", server.host(), server.port());
    let fleet = Fleet::start(async |inbox| opened("Amqp", &address, inbox).await);
    live(fleet.await, 3).await;
}
