//! One node's way into a network.

use std::sync::Arc;

use async_trait::async_trait;
use mesahub_broker::{
    Broker, BrokerError, Capabilities, Inbox, LogPage, MAX_PAYLOAD, Position, Publication,
    Published, Topic,
};
use parking_lot::RwLock;

use crate::{config::MemoryConfig, network::MemoryNetwork, subscriptions::Node};

/// The in-memory backend: one node of a [`MemoryNetwork`].
///
/// Dropping it closes it.
pub struct MemoryBroker {
    network: MemoryNetwork,
    /// Gone once closed. Read for as long as a subscription is being made, so that none is made
    /// after closing has taken them all back.
    node: RwLock<Option<Arc<Node>>>,
}

impl MemoryBroker {
    /// The only node of a network of its own, unless others join through a
    /// [`network`](Self::network).
    #[must_use]
    pub fn new(config: MemoryConfig, inbox: Inbox) -> Self {
        Self::join(&MemoryNetwork::new(config), inbox)
    }

    /// A further node of a network.
    #[must_use]
    pub fn join(network: &MemoryNetwork, inbox: Inbox) -> Self {
        Self {
            network: network.clone(),
            node: RwLock::new(Some(network.node(inbox))),
        }
    }

    /// The network this node is in.
    #[must_use]
    pub fn network(&self) -> &MemoryNetwork {
        &self.network
    }

    /// Does something as a node, if it still is one.
    fn as_node<T>(&self, act: impl FnOnce(&Arc<Node>) -> T) -> Result<T, BrokerError> {
        self.node
            .read()
            .as_ref()
            .map(act)
            .ok_or(BrokerError::Closed)
    }

    fn leave(&self) {
        let node = self.node.write().take();
        if let Some(node) = node {
            self.network.leave(&node);
        }
    }
}

#[async_trait]
impl Broker for MemoryBroker {
    async fn publish(&self, batch: Vec<Publication>) -> Vec<Result<Published, BrokerError>> {
        let mut answers = Vec::with_capacity(batch.len());
        for publication in batch {
            answers.push(match self.as_node(|_| ()) {
                Ok(()) => self.network.publish(publication).await,
                Err(closed) => Err(closed),
            });
        }
        answers
    }

    async fn subscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        self.as_node(|node| self.network.subscribe(topics, node))
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        self.as_node(|node| self.network.unsubscribe(topics, node))
    }

    async fn subscriber_count(&self, topic: &Topic) -> Result<u64, BrokerError> {
        self.as_node(|_| self.network.subscriber_count(topic))
    }

    async fn read_log(
        &self,
        topic: &Topic,
        after: Option<Position>,
        limit: usize,
    ) -> Result<LogPage, BrokerError> {
        self.as_node(|_| self.network.read_log(topic, after, limit))?
    }

    async fn health(&self) -> Result<(), BrokerError> {
        self.as_node(|_| ())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            log: true,
            log_survives_restart: false,
            exact_subscriber_count: true,
            separate_server: false,
            max_payload: MAX_PAYLOAD,
        }
    }

    async fn close(&self) {
        self.leave();
    }
}

impl Drop for MemoryBroker {
    fn drop(&mut self) {
        self.leave();
    }
}
