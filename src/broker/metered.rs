//! A broker whose calls are counted and timed.

use std::sync::Arc;

use async_trait::async_trait;
use mesahub_broker::{
    Broker, BrokerError, Capabilities, LogPage, Position, Publication, Published, Topic,
};
use tokio::time::Instant;

use crate::broker::meters::Meters;

/// A broker that counts what it is asked and how that ends. Nothing else differs.
#[derive(Debug)]
pub struct Metered<B> {
    broker: B,
    meters: Arc<Meters>,
}

impl<B: Broker> Metered<B> {
    /// The same broker, counted.
    pub fn new(broker: B) -> Self {
        let meters = Arc::default();
        Self { broker, meters }
    }

    /// What has been counted, also after the broker is gone.
    #[must_use]
    pub fn meters(&self) -> &Arc<Meters> {
        &self.meters
    }

    fn outcome<T>(&self, result: Result<T, BrokerError>) -> Result<T, BrokerError> {
        if let Err(error) = &result {
            self.meters.failed(error);
        }
        result
    }
}

#[async_trait]
impl<B: Broker> Broker for Metered<B> {
    async fn publish(&self, batch: Vec<Publication>) -> Vec<Result<Published, BrokerError>> {
        let sizes: Vec<u64> = batch.iter().map(|one| one.payload.len() as u64).collect();
        let before = Instant::now();
        let answers = self.broker.publish(batch).await;
        self.meters.publish_time.record(before.elapsed());
        for (answer, size) in answers.iter().zip(sizes) {
            match answer {
                Ok(_) => {
                    self.meters.published.add(1);
                    self.meters.published_bytes.add(size);
                }
                Err(error) => self.meters.failed(error),
            }
        }
        answers
    }

    async fn subscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        let subscribed = self.outcome(self.broker.subscribe(topics).await);
        if subscribed.is_ok() {
            self.meters.subscribed.add(topics.len() as u64);
        }
        subscribed
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        let unsubscribed = self.outcome(self.broker.unsubscribe(topics).await);
        if unsubscribed.is_ok() {
            self.meters.unsubscribed.add(topics.len() as u64);
        }
        unsubscribed
    }

    async fn subscriber_count(&self, topic: &Topic) -> Result<u64, BrokerError> {
        self.outcome(self.broker.subscriber_count(topic).await)
    }

    async fn read_log(
        &self,
        topic: &Topic,
        after: Option<Position>,
        limit: usize,
    ) -> Result<LogPage, BrokerError> {
        let page = self.outcome(self.broker.read_log(topic, after, limit).await)?;
        self.meters.log_reads.add(1);
        self.meters.log_entries.add(page.entries.len() as u64);
        Ok(page)
    }

    async fn health(&self) -> Result<(), BrokerError> {
        let before = Instant::now();
        let healthy = self.outcome(self.broker.health().await);
        let took = healthy.is_ok().then(|| before.elapsed());
        self.meters.round_trip(took);
        healthy
    }

    fn capabilities(&self) -> Capabilities {
        self.broker.capabilities()
    }

    async fn close(&self) {
        self.broker.close().await;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use mesahub_broker::Inbox;
    use mesahub_memory::{MemoryBroker, MemoryConfig};

    use super::*;
    use crate::notification::testing::Flaky;

    #[tokio::test(start_paused = true)]
    async fn every_outcome_is_counted_once() {
        let (inbox, _shards) = Inbox::new(1, 64);
        let flaky = Arc::new(Flaky::new(
            MemoryBroker::new(MemoryConfig::default(), inbox.clone()),
            inbox,
        ));
        let shared: Arc<dyn Broker> = flaky.clone();
        let metered = Metered::new(shared);
        let topic = Topic::new("a").unwrap();
        metered
            .subscribe(std::slice::from_ref(&topic))
            .await
            .unwrap();
        let item = |text: &'static str| Publication::new(topic.clone(), text).logged();
        assert!(metered.publish(vec![item("1"), item("22")]).await[1].is_ok());
        flaky.judge(|one| {
            (one.payload == "3")
                .then(|| BrokerError::unavailable("away"))
                .or_else(|| Some(BrokerError::rejected("no permission")))
        });
        metered.publish(vec![item("3"), item("4"), item("5")]).await;
        metered.read_log(&topic, None, 10).await.unwrap();
        metered.health().await.unwrap();
        let meters = metered.meters();
        assert_eq!(meters.published.value(), 2);
        assert_eq!(meters.published_bytes.value(), 3);
        assert_eq!(meters.unavailable.value(), 1);
        assert_eq!(meters.refused.value(), 2);
        assert_eq!(meters.subscribed.value(), 1);
        assert_eq!(meters.log_entries.value(), 2);
        assert_eq!(meters.publish_time.count(), 2);
        assert!(meters.last_round_trip().is_some());
    }
}
