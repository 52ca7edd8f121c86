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
