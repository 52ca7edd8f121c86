//! What the suite needs from the backend it proves.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{Broker, LogBounds, conformance::Node};

/// A backplane to be proven, and the power over it that the proofs take.
#[async_trait]
pub trait Harness: Send + Sync {
    /// A fresh node, connected, on the one backplane that all nodes of this harness share.
    ///
    /// Its inbox should have several shards, with room for 64 to 256 deliveries in each: enough for
    /// what a proof sends before it reads, and so few that a full inbox is proven too.
    async fn node(&self) -> Node;

    /// The bounds of every topic's log. Choose small ones: no more than 200 entries, 64 KiB, and
    /// an age that [`pass`](Self::pass) can outlive, if not [`hasty`](Self::hasty) gives one.
    fn bounds(&self) -> LogBounds;

    /// A fresh node, and the age at which its log drops entries: that of [`bounds`](Self::bounds), or
    /// a shorter one where each node goes by its own and that of the others has to outlast the
    /// restart of a slow server.
    async fn hasty(&self) -> (Node, Duration) {
        (self.node().await, self.bounds().max_age)
    }

    /// Lets that much time pass for the logs: moves a paused clock, or waits when the time belongs
    /// to a server.
    async fn pass(&self, time: Duration);

    /// Power over the server. `None` only when the backend has none and its
    /// [`separate_server`](crate::Capabilities::separate_server) says so.
    fn fault(&self) -> Option<&dyn Fault>;
}

/// Power to take the server away and bring it back.
#[async_trait]
pub trait Fault: Send + Sync {
    /// Takes the server away. Returns when nodes can no longer reach it.
    async fn stop(&self);

    /// Brings it back, at the address it had. Returns when it takes connections.
    async fn start(&self);
}

/// A harness whose nodes see the broker through a wrapper, which is thereby proven a broker.
pub struct Wrapped<H, W> {
    harness: H,
    wrap: W,
}

impl<H, W, B> Wrapped<H, W>
where
    H: Harness,
    W: Fn(Arc<dyn Broker>) -> B + Send + Sync,
    B: Broker,
{
    /// The same backplane; each node's broker goes through `wrap`.
    pub fn new(harness: H, wrap: W) -> Self {
        Self { harness, wrap }
    }
}

#[async_trait]
impl<H, W, B> Harness for Wrapped<H, W>
where
    H: Harness,
    W: Fn(Arc<dyn Broker>) -> B + Send + Sync,
    B: Broker,
{
    async fn node(&self) -> Node {
        let (broker, shards) = self.harness.node().await.into_parts();
        Node::new((self.wrap)(broker), shards)
    }

    async fn hasty(&self) -> (Node, Duration) {
        let (node, age) = self.harness.hasty().await;
        let (broker, shards) = node.into_parts();
        (Node::new((self.wrap)(broker), shards), age)
    }

    fn bounds(&self) -> LogBounds {
        self.harness.bounds()
    }

    async fn pass(&self, time: Duration) {
        self.harness.pass(time).await;
    }

    fn fault(&self) -> Option<&dyn Fault> {
        self.harness.fault()
    }
}
