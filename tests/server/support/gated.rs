//! The in-memory broker behind a gate, and one that lies once.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use mesahub_broker::{
    Broker, BrokerError, Capabilities, LogPage, Position, Publication, Published, Topic,
};
use mesahub_memory::MemoryBroker;
use tokio::sync::Semaphore;

/// A broker that subscribes only while its gate is open.
pub(crate) struct Gated {
    broker: MemoryBroker,
    gate: Semaphore,
    lies: AtomicBool,
}

impl Gated {
    pub(crate) fn new(broker: MemoryBroker) -> Self {
        Self {
            broker,
            gate: Semaphore::new(1),
            lies: AtomicBool::new(false),
        }
    }

    pub(crate) fn close_gate(&self) {
        assert_eq!(self.gate.forget_permits(1), 1);
    }

    pub(crate) fn open_gate(&self) {
        self.gate.add_permits(1);
    }

    /// Does what the next subscription asks for, and says that it has failed.
    pub(crate) fn lie_once(&self) {
        self.lies.store(true, Ordering::SeqCst);
    }
}

#[async_trait]
impl Broker for Gated {
    async fn publish(&self, batch: Vec<Publication>) -> Vec<Result<Published, BrokerError>> {
        self.broker.publish(batch).await
    }

    async fn subscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        let _permit = self.gate.acquire().await.unwrap();
        self.broker.subscribe(topics).await?;
        match self.lies.swap(false, Ordering::SeqCst) {
            true => Err(BrokerError::unavailable("the answer was lost")),
            false => Ok(()),
        }
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        self.broker.unsubscribe(topics).await
    }

    async fn subscriber_count(&self, topic: &Topic) -> Result<u64, BrokerError> {
        self.broker.subscriber_count(topic).await
    }

    async fn read_log(
        &self,
        topic: &Topic,
        after: Option<Position>,
        limit: usize,
    ) -> Result<LogPage, BrokerError> {
        self.broker.read_log(topic, after, limit).await
    }

    async fn health(&self) -> Result<(), BrokerError> {
        self.broker.health().await
    }

    fn capabilities(&self) -> Capabilities {
        self.broker.capabilities()
    }

    async fn close(&self) {
        self.broker.close().await;
    }
}
