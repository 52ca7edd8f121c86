//! One node of a backplane, through our broker or through the bare client library.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use mesahub_broker::{Broker, Inbound, Inbox, InboxShard, Publication, Topic};
use tokio::sync::Mutex;

/// Deliveries that may wait to be received.
const ROOM: usize = 8_192;

/// What is measured of either.
#[async_trait]
pub(crate) trait Client: Send + Sync {
    /// Sends so many messages to a topic together, and waits until all are taken.
    async fn publish(&self, topic: &Topic, payload: &Bytes, count: usize);

    /// Waits until the node listens to these topics.
    async fn subscribe(&self, topics: &[Topic]);

    /// Waits until it does no more.
    async fn unsubscribe(&self, topics: &[Topic]);

    /// Waits for so many messages.
    async fn receive(&self, count: usize);

    /// The same as [`publish`](Self::publish), kept in the topic's log as well.
    async fn append(&self, topic: &Topic, payload: &Bytes, count: usize);

    /// Reads so many entries from the beginning of a topic's log; how many there were.
    async fn read(&self, topic: &Topic, count: usize) -> usize;
}

/// A node of ours.
pub(crate) struct Ours {
    broker: Arc<dyn Broker>,
    shard: Mutex<InboxShard>,
}

impl Ours {
    /// A node around a broker that `open` makes.
    pub(crate) async fn open(open: impl AsyncFnOnce(Inbox) -> Arc<dyn Broker>) -> Box<dyn Client> {
        let (inbox, mut shards) = Inbox::new(1, ROOM);
        let broker = open(inbox).await;
        let shard = shards.pop().expect("one was asked for");
        let shard = Mutex::new(shard);
        Box::new(Self { broker, shard })
    }

    async fn send(&self, publication: Publication, count: usize) {
        let answers = self.broker.publish(vec![publication; count]).await;
        assert!(answers.iter().all(Result::is_ok), "all are taken");
    }
}

#[async_trait]
impl Client for Ours {
    async fn publish(&self, topic: &Topic, payload: &Bytes, count: usize) {
        let publication = Publication::new(topic.clone(), payload.clone());
        self.send(publication, count).await;
    }

    async fn subscribe(&self, topics: &[Topic]) {
        let subscribed = self.broker.subscribe(topics).await;
        subscribed.expect("it is connected");
    }

    async fn unsubscribe(&self, topics: &[Topic]) {
        let unsubscribed = self.broker.unsubscribe(topics).await;
        unsubscribed.expect("it is connected");
    }

    async fn receive(&self, count: usize) {
        let mut shard = self.shard.lock().await;
        for _ in 0..count {
            match shard.recv().await {
                Some(Inbound::Delivery(_)) => {}
                other => panic!("expected a delivery, got {other:?}"),
            }
        }
    }

    async fn append(&self, topic: &Topic, payload: &Bytes, count: usize) {
        let publication = Publication::new(topic.clone(), payload.clone()).logged();
        self.send(publication, count).await;
    }

    async fn read(&self, topic: &Topic, count: usize) -> usize {
        let page = self.broker.read_log(topic, None, count).await;
        page.expect("there is a log").entries.len()
    }
}
