//! A wrapper that changes nothing.

use std::sync::Arc;

use async_trait::async_trait;
use mesahub_broker::{
    Broker, BrokerError, Capabilities, LogPage, Position, Publication, Published, Topic,
};

pub struct Passing(pub Arc<dyn Broker>);

#[async_trait]
impl Broker for Passing {
    async fn publish(&self, batch: Vec<Publication>) -> Vec<Result<Published, BrokerError>> {
        self.0.publish(batch).await
    }

    async fn subscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        self.0.subscribe(topics).await
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        self.0.unsubscribe(topics).await
    }

    async fn subscriber_count(&self, topic: &Topic) -> Result<u64, BrokerError> {
        self.0.subscriber_count(topic).await
    }

    async fn read_log(
        &self,
        topic: &Topic,
        after: Option<Position>,
        limit: usize,
    ) -> Result<LogPage, BrokerError> {
        self.0.read_log(topic, after, limit).await
    }

    async fn health(&self) -> Result<(), BrokerError> {
        self.0.health().await
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn close(&self) {
        self.0.close().await;
    }
}
