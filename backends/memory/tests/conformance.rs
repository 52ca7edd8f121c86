//! The in-memory backend keeps the promises of the contract.

mod support;

use mesahub_broker::conformance::run_all;
use support::Memory;

#[tokio::test(start_paused = true)]
async fn the_memory_backend_keeps_every_promise_it_makes() {
    let report = run_all(&Memory::default()).await;
    let lacks = ["separate_server: false", "log_survives_restart: false"];
    assert_eq!(report.reasons(), ["log: true", lacks[0], lacks[1]]);
}
