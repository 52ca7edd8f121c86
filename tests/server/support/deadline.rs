//! No test waits for ever.

use std::time::Duration;

use tokio::time::timeout;

const LONGEST: Duration = Duration::from_secs(30);

/// Waits for something that has to happen.
pub(crate) async fn within<F: Future>(what: &str, future: F) -> F::Output {
    match timeout(LONGEST, future).await {
        Ok(output) => output,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

/// Lets the server run until a condition holds that nothing announces.
pub(crate) async fn becomes(what: &str, condition: impl Fn() -> bool) {
    within(what, async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
