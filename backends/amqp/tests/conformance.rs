//! The AMQP backend keeps the promises of the contract, against a real server.

mod support;

use mesahub_broker::conformance::run_all;
use support::Rabbit;

#[tokio::test]
async fn the_amqp_backend_keeps_every_promise_it_makes() {
    let report = run_all(&Rabbit::start().await).await;
    assert_eq!(report.reasons(), ["log: true"]);
}
