//! The in-memory backend keeps the promises of the contract.

mod support;

use std::sync::Arc;

use mesahub_broker::{
    Broker,
    conformance::{Wrapped, run_all},
};
use support::{Memory, Passing};

const LACKS: [&str; 3] = [
    "log: true",
    "separate_server: false",
    "log_survives_restart: false",
];

#[tokio::test(start_paused = true)]
async fn the_memory_backend_keeps_every_promise_it_makes() {
    assert_eq!(run_all(&Memory::default()).await.reasons(), LACKS);
}

#[tokio::test(start_paused = true)]
async fn a_shared_dyn_broker_is_a_broker() {
    let shared = Wrapped::new(Memory::default(), |broker| -> Arc<dyn Broker> { broker });
    assert_eq!(run_all(&shared).await.reasons(), LACKS);
}

#[tokio::test(start_paused = true)]
async fn a_wrapper_that_changes_nothing_is_a_broker() {
    assert_eq!(
        run_all(&Wrapped::new(Memory::default(), Passing))
            .await
            .reasons(),
        LACKS
    );
}
