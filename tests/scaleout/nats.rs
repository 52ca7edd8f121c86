//! Nodes on a NATS of their own, as the configuration opens it.

use mesahub_test_servers::{NatsOptions, NatsServer};

use crate::fleet::{Accepted, Fleet, opened};
use crate::killed::{a_frozen_node_is_gone_until_it_thaws, a_killed_node_takes_its_people_with_it};
use crate::outage::{Freeze, Restart, has_power};
use crate::{live, live_through};

has_power!(NatsServer);

async fn nats() -> (NatsServer, String) {
    let server = NatsServer::start(NatsOptions::default()).await.unwrap();
    let address = format!("nats://{}:{}", server.host(), server.port());
    (server, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn on_nats_nothing_is_missing_doubled_misordered_or_leaked() {
    let (_server, address) = nats().await;
    let fleet = Fleet::start(async |inbox| opened("Nats", &address, inbox).await);
    live(fleet.await, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_nats_a_restart_loses_nothing_at_all() {
    let (server, address) = nats().await;
    let open = async |inbox| opened("Nats", &address, inbox).await;
    let fleet = Fleet::start_with(Accepted::Taken, open).await;
    live_through(&Restart(server), fleet, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_nats_a_server_that_hangs_loses_nothing_at_all() {
    let (server, address) = nats().await;
    let open = async |inbox| opened("Nats", &address, inbox).await;
    let fleet = Fleet::start_with(Accepted::Taken, open).await;
    live_through(&Freeze(server), fleet, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_nats_a_killed_node_leaves_no_trace() {
    let (_server, address) = nats().await;
    a_killed_node_takes_its_people_with_it("Nats", &address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_nats_a_node_that_hangs_is_gone_until_it_goes_on() {
    let (_server, address) = nats().await;
    a_frozen_node_is_gone_until_it_thaws("Nats", &address).await;
}
