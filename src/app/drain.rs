//! Stopping, in one order: requests under way are answered, what was accepted is published while
//! its recipients are still there, clients are told to come back, the broker is closed. All of it
//! within one deadline.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;

use crate::hub::{Ending, Hub};
use crate::notification::HubNotificationService;

/// What is left to stop once nothing new is accepted.
pub(crate) struct Draining {
    pub(crate) hub: Hub,
    pub(crate) service: Arc<HubNotificationService>,
    /// The requests under way.
    pub(crate) requests: TaskTracker,
}

/// Stops everything; whether it all ended before the deadline.
pub(crate) async fn drain(draining: Draining, deadline: Duration) -> bool {
    let end = Instant::now() + deadline;
    let Draining {
        hub,
        service,
        requests,
    } = draining;
    requests.close();
    let answered = timeout_at(end, requests.wait()).await.is_ok();
    let flushed = service
        .close(end.saturating_duration_since(Instant::now()))
        .await;
    hub.disconnect_all(&Ending::Shutdown);
    let stopped = hub
        .node()
        .stop(end.saturating_duration_since(Instant::now()))
        .await;
    let clean = answered && flushed && stopped;
    tracing::info!(answered, flushed, stopped, "stopped");
    clean
}
