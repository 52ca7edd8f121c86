//! Nodes on a RabbitMQ of their own, as the configuration opens it.

use mesahub_test_servers::{RabbitOptions, RabbitServer};

use crate::fleet::{Accepted, Fleet, opened};
use crate::outage::{Freeze, Restart, has_power};
use crate::{live, live_through};

has_power!(RabbitServer);

async fn rabbitmq() -> (RabbitServer, String) {
    let server = RabbitServer::start(RabbitOptions::default()).await.unwrap();
    let address = format!("amqp://{}:{}", server.host(), server.port());
    (server, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn on_rabbitmq_nothing_is_missing_doubled_misordered_or_leaked() {
    let (_server, address) = rabbitmq().await;
    let fleet = Fleet::start(async |inbox| opened("Amqp", &address, inbox).await);
    live(fleet.await, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_rabbitmq_a_restart_loses_nothing_at_all() {
    let (server, address) = rabbitmq().await;
    let open = async |inbox| opened("Amqp", &address, inbox).await;
    let fleet = Fleet::start_with(Accepted::Taken, open).await;
    live_through(&Restart(server), fleet, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_rabbitmq_a_server_that_hangs_loses_nothing_at_all() {
    let (server, address) = rabbitmq().await;
    let open = async |inbox| opened("Amqp", &address, inbox).await;
    let fleet = Fleet::start_with(Accepted::Taken, open).await;
    live_through(&Freeze(server), fleet, 6).await;
}
