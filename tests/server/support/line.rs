//! What an ASP.NET Core server speaks on: a Redis, or what stands for one.

use async_trait::async_trait;
use bytes::Bytes;
use mesahub_broker::{Broker, Inbound, Inbox, InboxShard, Publication, Topic};
use mesahub_memory::{MemoryBroker, MemoryNetwork};

/// Channels of one Redis, by their names without the prefix. What goes wrong ends the test.
#[async_trait]
pub(crate) trait Line: Send {
    /// Subscribes, and waits until that is in force.
    async fn subscribe(&mut self, channel: &str);

    /// Publishes.
    async fn publish(&mut self, channel: &str, payload: Bytes);

    /// How many listen.
    async fn subscribers(&mut self, channel: &str) -> u64;

    /// What comes next, with its channel.
    async fn next(&mut self) -> (String, Bytes);
}

/// The network inside the process in place of a Redis.
pub(crate) struct Memory {
    broker: MemoryBroker,
    /// One, so that what comes on several channels comes in order.
    shard: InboxShard,
}

impl Memory {
    pub(crate) fn join(network: &MemoryNetwork) -> Self {
        let (inbox, shards) = Inbox::new(1, 1_024);
        let [shard] = shards.try_into().expect("one was asked for");
        Self {
            broker: MemoryBroker::join(network, inbox),
            shard,
        }
    }
}

#[async_trait]
impl Line for Memory {
    async fn subscribe(&mut self, channel: &str) {
        self.broker.subscribe(&[topic(channel)]).await.unwrap();
    }

    async fn publish(&mut self, channel: &str, payload: Bytes) {
        let publication = Publication::new(topic(channel), payload);
        let mut answers = self.broker.publish(vec![publication]).await;
        answers.pop().unwrap().unwrap();
    }

    async fn subscribers(&mut self, channel: &str) -> u64 {
        self.broker.subscriber_count(&topic(channel)).await.unwrap()
    }

    async fn next(&mut self) -> (String, Bytes) {
        loop {
            let inbound = self.shard.recv().await;
            if let Inbound::Delivery(delivery) = inbound.expect("the backplane is there") {
                return (delivery.topic.as_str().to_owned(), delivery.payload);
            }
        }
    }
}

fn topic(channel: &str) -> Topic {
    Topic::new(channel).unwrap()
}
