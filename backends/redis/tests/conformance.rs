//! The Redis backend keeps the promises of the contract, against a real server.

mod support;

use mesahub_broker::conformance::run_all;
use mesahub_redis::Framing;
use support::Redis;

#[tokio::test]
async fn with_positions_the_redis_backend_keeps_every_promise_it_makes() {
    let report = run_all(&Redis::start(Framing::Positioned).await).await;
    assert_eq!(
        report.reasons(),
        ["log: true", "log_survives_restart: false"]
    );
}

#[tokio::test]
async fn on_the_plain_wire_the_redis_backend_keeps_every_promise_it_makes() {
    let report = run_all(&Redis::start(Framing::Plain).await).await;
    assert_eq!(
        report.reasons(),
        ["log: false", "log_survives_restart: false"]
    );
}
