//! Nodes on one Redis, as the configuration opens it.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use mesahub_broker::Broker;
use mesahub_test_servers::{RedisOptions, RedisServer};

use crate::fleet::{Accepted, Fleet, opened, within};
use crate::healing::{Deaf, admins, expect, publish, silence_is_found};
use crate::killed::{a_frozen_node_is_gone_until_it_thaws, a_killed_node_takes_its_people_with_it};
use crate::outage::{Freeze, Outage, Restart, has_power};
use crate::{live, live_through, receipts};

/// Redis itself cuts its clients off.
struct Cut(RedisServer);

has_power!(RedisServer);

#[async_trait]
impl Outage for Cut {
    const IS_AWAY: bool = false;
    const IS_NOTICED: bool = true;
    const FORGETS: bool = false;

    async fn begin(&self) {
        for kind in ["pubsub", "normal"] {
            let words = ["CLIENT", "KILL", "TYPE", kind];
            self.0.command(&words).await.unwrap();
        }
    }

    async fn end(&self) {}
}

async fn redis() -> (RedisServer, String) {
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    let address = format!("127.0.0.1:{}", server.port());
    (server, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn on_redis_nothing_is_missing_doubled_misordered_or_leaked() {
    let (_server, address) = redis().await;
    let fleet = Fleet::start(async |inbox| opened("Redis", &address, inbox).await);
    live(fleet.await, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_redis_a_restart_loses_nothing_in_silence() {
    let (server, address) = redis().await;
    let open = async |inbox| opened("Redis", &address, inbox).await;
    let fleet = Fleet::start_with(Accepted::Taken, open).await;
    live_through(&Restart(server), fleet, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_redis_a_server_that_hangs_loses_nothing_at_all() {
    let (server, address) = redis().await;
    let open = async |inbox| opened("Redis", &address, inbox).await;
    let fleet = Fleet::start_with(Accepted::Taken, open).await;
    live_through(&Freeze(server), fleet, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_redis_a_cut_connection_loses_nothing_at_all() {
    let (server, address) = redis().await;
    let open = async |inbox| opened("Redis", &address, inbox).await;
    let fleet = Fleet::start_with(Accepted::Taken, open).await;
    live_through(&Cut(server), fleet, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_redis_a_killed_node_leaves_no_trace() {
    let (_server, address) = redis().await;
    a_killed_node_takes_its_people_with_it("Redis", &address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_redis_a_node_that_hangs_is_gone_until_it_goes_on() {
    let (_server, address) = redis().await;
    a_frozen_node_is_gone_until_it_thaws("Redis", &address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_redis_a_silent_subscription_is_found_and_made_up_for() {
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    let address = format!("127.0.0.1:{}", server.port());
    let first = OnceLock::new();
    let fleet = Fleet::start(async |inbox| {
        let broker = Arc::new(Deaf::new(opened("Redis", &address, inbox).await));
        first.get_or_init(|| Arc::clone(&broker));
        broker as Arc<dyn Broker>
    });
    let fleet = fleet.await;
    silence_is_found(fleet, first.get().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_redis_what_is_published_while_subscriptions_are_cut_reaches_every_client_in_order() {
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    let address = format!("127.0.0.1:{}", server.port());
    let fleet = Fleet::start(async |inbox| opened("Redis", &address, inbox).await).await;
    let clients = admins(&fleet).await;
    let mut all = Vec::new();
    for _ in 0..5 {
        all.extend(publish(&fleet, 0, 20).await);
        let cut = ["CLIENT", "KILL", "TYPE", "pubsub"];
        within("the cut", server.command(&cut)).await.unwrap();
        all.extend(publish(&fleet, 1, 20).await);
    }
    for client in &clients {
        expect(client, &all).await;
    }
    let counters = fleet.nodes.iter().map(|node| node.hub.node().counters());
    assert!(counters.clone().all(|of_node| of_node.lost.value() == 0));
    assert!(counters.map(|of_node| of_node.gaps.value()).sum::<u64>() > 0);
    drop(clients);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_redis_receipts_count_each_connection_once() {
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    let address = format!("127.0.0.1:{}", server.port());
    let fleet = Fleet::start(async |inbox| opened("Redis", &address, inbox).await);
    receipts::are_gathered(fleet.await).await;
}
