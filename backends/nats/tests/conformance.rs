//! The NATS backend keeps the promises of the contract, against a real server.

mod support;

use mesahub_broker::conformance::run_all;
use support::Nats;

#[tokio::test]
async fn with_logs_the_nats_backend_keeps_every_promise_it_makes() {
    let report = run_all(&Nats::start(true).await).await;
    assert_eq!(
        report.reasons(),
        ["exact_subscriber_count: false", "log: true"]
    );
}

#[tokio::test]
async fn without_logs_the_nats_backend_keeps_every_promise_it_makes() {
    let report = run_all(&Nats::start(false).await).await;
    assert_eq!(
        report.reasons(),
        [
            "exact_subscriber_count: false",
            "log: false",
            "log_survives_restart: false"
        ]
    );
}
