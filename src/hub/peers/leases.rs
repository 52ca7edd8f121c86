//! Which nodes are alive.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::hub::peers::node_id::NodeId;

/// When each of the other nodes was last heard of, and this one heard itself.
pub(super) struct Leases {
    lease: Duration,
    heard: Mutex<HashMap<NodeId, Instant>>,
    myself: Mutex<Instant>,
}

impl Leases {
    pub(super) fn new(lease: Duration) -> Self {
        Self {
            lease,
            heard: Mutex::default(),
            myself: Mutex::new(Instant::now()),
        }
    }

    /// Notes that a sign of life of this node has come back to it.
    pub(super) fn heard_myself(&self) {
        *self.myself.lock() = Instant::now();
    }

    /// Whether this node has not even heard itself for a lease: then nothing can be said of the
    /// others.
    pub(super) fn is_cut_off(&self) -> bool {
        self.myself.lock().elapsed() >= self.lease
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
        self.alive().len()
    }

    /// The others that are alive. Forgets those whose lease has ended.
    pub(super) fn alive(&self) -> HashSet<NodeId> {
        let mut heard = self.heard.lock();
        heard.retain(|node, since| {
            let lives = since.elapsed() < self.lease;
            if !lives {
                tracing::warn!(%node, "a node is gone: its lease has ended");
            }
            lives
        });
        heard.keys().copied().collect()
    }

    /// When the first of these nodes is gone, unless it is heard of before.
    pub(super) fn first_end(&self, nodes: &HashSet<NodeId>) -> Instant {
        let heard = self.heard.lock();
        let since = nodes.iter().map(|node| heard.get(node).copied());
        // One that has said that it goes is gone now.
        let ends = since.map(|since| since.map_or_else(Instant::now, |since| since + self.lease));
        ends.min().unwrap_or_else(Instant::now)
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

    use tokio::time::Instant;

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
        let end = Instant::now() + Duration::from_secs(10);
        assert_eq!(leases.first_end(&[loud].into()), end);
        assert_eq!(leases.count(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_that_does_not_hear_itself_for_a_lease_is_cut_off() {
        let leases = Leases::new(Duration::from_secs(15));
        tokio::time::advance(Duration::from_secs(14)).await;
        assert!(!leases.is_cut_off(), "it has just started");
        leases.heard_myself();
        tokio::time::advance(Duration::from_secs(14)).await;
        assert!(!leases.is_cut_off());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(leases.is_cut_off());
    }
}
