//! The time of a server, which no test can pause.

use std::time::Duration;

/// Lets that much time pass for a server that goes by its own clock, such as for an age it was
/// told to keep things for. For nothing else: what a test waits for is an event.
pub async fn let_pass(time: Duration) {
    tokio::time::sleep(time).await;
}
