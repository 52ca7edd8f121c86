//! Which nodes are alive.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::hub::peers::node_id::NodeId;

/// When each of the other nodes was last heard of.
pub(super) struct Leases {
    lease: Duration,
    heard: Mutex<HashMap<NodeId, Instant>>,
}

impl Leases {
    pub(super) fn new(lease: Duration) -> Self {
        Self {
            lease,
            heard: Mutex::default(),
        }
    }

    /// Notes a sign of life.
    pub(super) fn renew(&self, node: NodeId) {
        if self.heard.lock().insert(node, Instant::now()).is_none() {
            tracing::info!(%node, "a node has joined");
        }
    }

    /// Forgets a node that said that it goes.
    pub(super) fn end(&self, node: NodeId) {
        if self.heard.lock().remove(&node).is_some() {
            tracing::info!(%node, "a node has left");
        }
    }

    /// How many others are alive. Forgets those whose lease has ended.
    pub(super) fn count(&self) -> usize {
        let mut heard = self.heard.lock();
        heard.retain(|node, since| {
            let lives = since.elapsed() < self.lease;
            if !lives {
                tracing::warn!(%node, "a node is gone: its lease has ended");
            }
            lives
        });
        heard.len()
    }

    /// Whether this one is alive.
    pub(super) fn holds(&self, node: NodeId) -> bool {
        let heard = self.heard.lock();
        heard
            .get(&node)
            .is_some_and(|since| since.elapsed() < self.lease)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Leases;
    use crate::hub::peers::node_id::NodeId;

    #[tokio::test(start_paused = true)]
    async fn a_node_that_is_not_heard_of_for_a_lease_is_gone() {
        let leases = Leases::new(Duration::from_secs(15));
        let (quiet, loud, leaving) = (NodeId::random(), NodeId::random(), NodeId::random());
        for node in [quiet, loud, leaving] {
            leases.renew(node);
        }
        assert_eq!(leases.count(), 3);
        leases.end(leaving);
        tokio::time::advance(Duration::from_secs(10)).await;
        leases.renew(loud);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert!(!leases.holds(quiet) && leases.holds(loud) && !leases.holds(leaving));
        assert_eq!(leases.count(), 1);
    }
}
