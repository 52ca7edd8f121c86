//! A broker that can be away, or slow, when a test says so.

use std::sync::Arc;

use async_trait::async_trait;
use mesahub_broker::{
    Broker, BrokerError, Capabilities, LogPage, Position, Publication, Published, Topic,
};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

/// What happens to a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Takes,
    IsAway,
    Refuses,
    /// Keeps publishers waiting until it is [let](Gate::let_through).
    Waits,
}

pub(crate) struct Gate {
    broker: Arc<dyn Broker>,
    mood: Mutex<Mood>,
    passes: Semaphore,
    /// The sizes of the batches that came.
    batches: Mutex<Vec<usize>>,
}

impl Gate {
    pub(crate) fn before(broker: Arc<dyn Broker>) -> Self {
        Self {
            broker,
            mood: Mutex::new(Mood::Takes),
            passes: Semaphore::new(0),
            batches: Mutex::default(),
        }
    }

    pub(crate) fn is(&self, mood: Mood) {
        *self.mood.lock() = mood;
    }

    pub(crate) fn let_through(&self, count: usize) {
        self.passes.add_permits(count);
    }

    pub(crate) fn batches(&self) -> Vec<usize> {
        self.batches.lock().clone()
    }
}

#[async_trait]
impl Broker for Gate {
    async fn publish(&self, batch: Vec<Publication>) -> Vec<Result<Published, BrokerError>> {
        self.batches.lock().push(batch.len());
        let mood = *self.mood.lock();
        let refuse = |error: fn() -> BrokerError| batch.iter().map(|_| Err(error())).collect();
        match mood {
            Mood::IsAway => refuse(|| BrokerError::unavailable("away")),
            Mood::Refuses => refuse(|| BrokerError::rejected("no right")),
            Mood::Takes => self.broker.publish(batch).await,
            Mood::Waits => {
                self.passes.acquire().await.unwrap().forget();
                self.broker.publish(batch).await
            }
        }
    }

    async fn subscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        self.broker.subscribe(topics).await
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        self.broker.unsubscribe(topics).await
    }

    async fn read_log(
        &self,
        topic: &Topic,
        after: Option<Position>,
        limit: usize,
    ) -> Result<LogPage, BrokerError> {
        self.broker.read_log(topic, after, limit).await
    }

    async fn subscriber_count(&self, topic: &Topic) -> Result<u64, BrokerError> {
        self.broker.subscriber_count(topic).await
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
