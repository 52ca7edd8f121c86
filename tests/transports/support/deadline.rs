//! Waiting, but never for ever.

use std::time::Duration;

/// What has to happen, or the test fails naming it.
pub(crate) async fn within<F: Future>(what: &str, future: F) -> F::Output {
    let limit = Duration::from_secs(20);
    let Ok(output) = tokio::time::timeout(limit, future).await else {
        panic!("not within {limit:?}: {what}");
    };
    output
}

/// Gives way to the server until something is so that nobody announces.
pub(crate) async fn becomes(what: &str, is_so: impl Fn() -> bool) {
    let turns = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    within(what, turns).await;
}
