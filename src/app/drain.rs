//! Stopping, in one order: requests under way are answered, what was accepted is published while
//! its recipients are still there, clients are told to come back, the broker is closed. All of it
//! before one deadline; each of the first two steps has half of what is left until then at most.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::TaskTracker;

use crate::hub::{Ending, Hub, Node};
use crate::notification::HubNotificationService;

/// How often to look whether only requests are left that carry connections.
const LOOK: Duration = Duration::from_millis(20);

/// What is left to stop once nothing new is accepted.
pub(crate) struct Draining {
    pub(crate) hub: Hub,
    pub(crate) service: Arc<HubNotificationService>,
    /// The requests under way.
    pub(crate) requests: TaskTracker,
}

/// Stops everything; whether it all ended before the deadline.
pub(crate) async fn drain(draining: Draining, end: Instant) -> bool {
    let Draining {
        hub,
        service,
        requests,
    } = draining;
    requests.close();
    let answering = answer_callers(&requests, hub.node());
    // Clients still have to be told: that needs time too.
    let is_answered = timeout(until(end) / 2, answering).await.is_ok();
    let flushed = service.close(until(end) / 2).await;
    hub.disconnect_all(&Ending::Shutdown);
    let stopped = hub.node().stop(until(end)).await;
    let answered = is_answered && timeout_at(end, requests.wait()).await.is_ok();
    let clean = answered && flushed && stopped;
    tracing::info!(answered, flushed, stopped, "stopped");
    clean
}

fn until(end: Instant) -> Duration {
    end.saturating_duration_since(Instant::now())
}

/// Waits until no request is under way but those that carry a client's connection, which end when
/// the client has been told.
async fn answer_callers(requests: &TaskTracker, node: &Node) {
    while requests.len() > node.carrying_requests() {
        if timeout(LOOK, requests.wait()).await.is_ok() {
            return;
        }
    }
}
