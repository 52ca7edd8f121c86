//! What the wrappers are proven with.

use std::sync::Arc;

use mesahub::broker::{Metered, RetryOptions, Retrying};
use mesahub_broker::Broker;
use mesahub_broker::conformance::{Harness, Wrapped, run_all};

/// Proves each wrapper around the backend of a harness, and that none changes what the backend
/// can do. `harness` makes a fresh one.
pub(crate) async fn every_wrapper_keeps_every_promise<H: Harness>(harness: impl AsyncFn() -> H) {
    let bare = run_all(&harness().await).await;
    let shared = Wrapped::new(harness().await, |broker| -> Arc<dyn Broker> { broker });
    assert_eq!(run_all(&shared).await, bare);
    let patient = |broker| Retrying::new(broker, RetryOptions::default());
    assert_eq!(run_all(&Wrapped::new(harness().await, patient)).await, bare);
    assert_eq!(
        run_all(&Wrapped::new(harness().await, Metered::new)).await,
        bare
    );
}

/// Proves all wrappers around a backend, one within the other as the hub has them, but for what
/// these capabilities rule out, and that they do not change what it can do. The backend alone is
/// proven in its own package: with a server that takes long enough to be done once.
#[cfg(any(feature = "amqp", feature = "nats", feature = "redis"))]
pub(crate) async fn the_wrappers_keep_every_promise<H: Harness>(harness: H, reasons: &[&str]) {
    let bare = harness.node().await;
    let can = bare.broker().capabilities();
    bare.broker().close().await;
    let wrapped = Wrapped::new(harness, |broker| -> Arc<dyn Broker> {
        Arc::new(Metered::new(Retrying::new(broker, RetryOptions::default())))
    });
    let node = wrapped.node().await;
    assert_eq!(node.broker().capabilities(), can);
    node.broker().close().await;
    assert_eq!(run_all(&wrapped).await.reasons(), reasons);
}
