//! Many threads at once on inboxes with room for one.

#![allow(clippy::unwrap_used)]

use std::{
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

use mesahub_broker::{Broker, Delivery, Inbound, Inbox, InboxShard, Publication, Topic};
use mesahub_memory::{MemoryBroker, MemoryConfig, MemoryNetwork};
use tokio::{task::JoinSet, time::timeout};

const NODES: usize = 4;
const EACH: usize = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_node_sees_the_order_of_the_log_though_inboxes_are_full() {
    let network = MemoryNetwork::new(config());
    let topic = Topic::new("busy").unwrap();
    let mut reading = JoinSet::new();
    let mut publishing = JoinSet::new();
    let mut brokers = Vec::new();
    for _ in 0..NODES {
        let (broker, shards) = join(&network);
        broker
            .subscribe(std::slice::from_ref(&topic))
            .await
            .unwrap();
        reading.spawn(read(shards, NODES * EACH));
        brokers.push(broker);
    }
    for broker in &brokers {
        let (broker, topic) = (Arc::clone(broker), topic.clone());
        publishing.spawn(async move {
            for n in 0..EACH {
                let item = Publication::new(topic.clone(), n.to_string()).logged();
                broker.publish(vec![item]).await.remove(0).unwrap();
            }
        });
    }
    let read = within(reading.join_all()).await;
    within(publishing.join_all()).await;

    let log = brokers[0].read_log(&topic, None, usize::MAX).await.unwrap();
    assert_eq!(log.entries.len(), NODES * EACH);
    for deliveries in read {
        let log = log.entries.iter().map(|e| (Some(e.position), &e.payload));
        assert!(deliveries.iter().map(|d| (d.position, &d.payload)).eq(log));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_topics_in_opposite_order_do_not_block_each_other() {
    let network = MemoryNetwork::new(config());
    let topics = ["a", "b"].map(|name| Topic::new(name).unwrap());
    let mut reading = JoinSet::new();
    let mut publishing = JoinSet::new();
    let mut brokers = Vec::new();
    for _ in 0..NODES {
        let (broker, shards) = join(&network);
        broker.subscribe(&topics).await.unwrap();
        reading.spawn(read(shards, NODES * EACH));
        brokers.push(broker);
    }
    for (who, broker) in brokers.iter().enumerate() {
        let (broker, mut topics) = (Arc::clone(broker), topics.clone());
        topics.rotate_left(who % 2);
        publishing.spawn(async move {
            for n in 0..EACH {
                let topic = topics[n % 2].clone();
                let item = Publication::new(topic, n.to_string());
                broker.publish(vec![item]).await.remove(0).unwrap();
            }
        });
    }
    within(reading.join_all()).await;
    within(publishing.join_all()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_comes_after_unsubscribe_while_others_publish() {
    let network = MemoryNetwork::new(config());
    let topic = Topic::new("churn").unwrap();
    let (publisher, _) = join(&network);
    let mut publishing = JoinSet::new();
    for _ in 0..2 {
        let (publisher, topic) = (Arc::clone(&publisher), topic.clone());
        publishing.spawn(async move {
            loop {
                let item = Publication::new(topic.clone(), "x").logged();
                publisher.publish(vec![item]).await.remove(0).unwrap();
                tokio::task::yield_now().await;
            }
        });
    }
    let (broker, mut shards) = join(&network);
    let topics = std::slice::from_ref(&topic);
    for _ in 0..EACH {
        broker.subscribe(topics).await.unwrap();
        let first = within(shards[0].recv()).await;
        assert!(matches!(first, Some(Inbound::Delivery(_))));
        broker.unsubscribe(topics).await.unwrap();
        let newest = broker.read_log(&topic, None, 0).await.unwrap().newest;
        // What was pushed before is still there, and nothing later is behind it.
        let mark = Topic::new("mark").unwrap();
        broker.subscribe(std::slice::from_ref(&mark)).await.unwrap();
        let marker = Arc::clone(&broker);
        let mut marking = JoinSet::new();
        marking.spawn(async move { marker.publish(vec![Publication::new(mark, "")]).await });
        while let Some(Inbound::Delivery(delivery)) = within(shards[0].recv()).await {
            if delivery.topic != topic {
                break;
            }
            assert!(delivery.position.unwrap() <= newest);
        }
        within(marking.join_all()).await;
    }
    publishing.abort_all();
}

#[tokio::test]
async fn a_publisher_that_gives_up_waiting_has_published_nothing() {
    let network = MemoryNetwork::new(config());
    let topic = Topic::new("full").unwrap();
    let (broker, mut shards) = join(&network);
    broker
        .subscribe(std::slice::from_ref(&topic))
        .await
        .unwrap();
    let item = |text: &'static str| vec![Publication::new(topic.clone(), text).logged()];
    broker.publish(item("first")).await.remove(0).unwrap();
    {
        let mut waiting = broker.publish(item("given up"));
        let mut context = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut context).is_pending());
    }
    let first = shards[0].recv().await;
    assert!(matches!(first, Some(Inbound::Delivery(d)) if d.payload == "first"));
    broker.publish(item("second")).await.remove(0).unwrap();
    let second = shards[0].recv().await;
    assert!(matches!(second, Some(Inbound::Delivery(d)) if d.payload == "second"));
    let log = broker.read_log(&topic, None, 10).await.unwrap();
    assert_eq!(log.entries.len(), 2);
}

#[tokio::test]
async fn a_node_whose_inbox_nobody_reads_holds_nobody_up() {
    let network = MemoryNetwork::new(config());
    let topic = Topic::new("deaf").unwrap();
    let (deaf, shards) = join(&network);
    deaf.subscribe(std::slice::from_ref(&topic)).await.unwrap();
    drop(shards);
    let batch = vec![Publication::new(topic, "x"); 10];
    let answers = within(deaf.publish(batch)).await;
    assert!(answers.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_dropped_broker_leaves_the_network() {
    let (inbox, mut shards) = Inbox::new(1, 1);
    let broker = MemoryBroker::new(MemoryConfig::default(), inbox);
    let topic = Topic::new("left").unwrap();
    broker
        .subscribe(std::slice::from_ref(&topic))
        .await
        .unwrap();
    let (other, _) = join(broker.network());
    assert_eq!(other.subscriber_count(&topic).await.unwrap(), 1);
    drop(broker);
    assert_eq!(other.subscriber_count(&topic).await.unwrap(), 0);
    assert_eq!(shards[0].recv().await, None);
}

/// Bounds that drop nothing here.
fn config() -> MemoryConfig {
    let mut config = MemoryConfig::default();
    config.log.max_count = 1_000_000;
    config
}

/// A node with room for one delivery.
fn join(network: &MemoryNetwork) -> (Arc<MemoryBroker>, Vec<InboxShard>) {
    let (inbox, shards) = Inbox::new(1, 1);
    (Arc::new(MemoryBroker::join(network, inbox)), shards)
}

async fn read(mut shards: Vec<InboxShard>, count: usize) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    while deliveries.len() < count {
        match shards[0].recv().await {
            Some(Inbound::Delivery(delivery)) => deliveries.push(delivery),
            other => panic!("expected a delivery, got {other:?}"),
        }
    }
    deliveries
}

async fn within<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(60), future).await.unwrap()
}
