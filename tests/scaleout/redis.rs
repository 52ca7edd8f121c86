//! Nodes on a Redis of their own, as the configuration opens it.

use async_trait::async_trait;
use mesahub_broker::conformance::Fault;
use mesahub_test_servers::{RedisOptions, RedisServer};

use crate::fleet::{Accepted, Fleet, opened};
use crate::killed::{a_frozen_node_is_gone_until_it_thaws, a_killed_node_takes_its_people_with_it};
use crate::outage::{Outage, Restart};
use crate::{live, live_through};

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

/// Redis itself cuts its clients off.
struct Cut(Server);

#[async_trait]
impl Outage for Cut {
    const IS_AWAY: bool = false;

    async fn begin(&self) {
        for kind in ["pubsub", "normal"] {
            let words = ["CLIENT", "KILL", "TYPE", kind];
            self.0.0.command(&words).await.unwrap();
        }
    }

    async fn end(&self) {}
}

async fn redis() -> (Server, String) {
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    let address = format!("127.0.0.1:{}", server.port());
    (Server(server), address)
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
