//! The Redis backend keeps the promises of the contract, against real servers.

mod support;

use mesahub_broker::conformance::{Harness, run_all};
use mesahub_redis::Framing;
use support::{Cluster, Redis};

async fn every_promise_but(harness: impl Harness, reasons: &[&str]) {
    assert_eq!(run_all(&harness).await.reasons(), reasons);
}

#[tokio::test]
async fn with_positions_the_redis_backend_keeps_every_promise_it_makes() {
    let reasons = ["log: true", "log_survives_restart: false"];
    every_promise_but(Redis::start(Framing::Positioned).await, &reasons).await;
    every_promise_but(Cluster::start(Framing::Positioned, 0).await, &reasons).await;
}

#[tokio::test]
async fn on_the_plain_wire_the_redis_backend_keeps_every_promise_it_makes() {
    let reasons = ["log: false", "log_survives_restart: false"];
    every_promise_but(Redis::start(Framing::Plain).await, &reasons).await;
    let reasons = [
        "exact_subscriber_count: false",
        "log: false",
        "log_survives_restart: false",
    ];
    every_promise_but(Cluster::start(Framing::Plain, 0).await, &reasons).await;
}
