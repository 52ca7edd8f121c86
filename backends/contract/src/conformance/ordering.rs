//! In what order messages arrive.

use std::collections::HashMap;

use tokio::task::JoinSet;

use crate::{
    Publication,
    conformance::{
        Harness,
        node::{deliveries_of, fresh, texts, within},
    },
};

/// Promise 1.
pub async fn one_publishers_messages_arrive_in_order(h: &dyn Harness) {
    let topic = fresh("order");
    let (publisher, mut node) = (h.node().await, h.node().await);
    node.subscribe(std::slice::from_ref(&topic)).await;
    let mut expected = Vec::new();
    for size in [1, 3, 1, 20, 30, 2, 1] {
        let batch = (0..size).map(|_| {
            expected.push(expected.len().to_string());
            let payload = expected.last().cloned().unwrap_or_default();
            Publication::new(topic.clone(), payload)
        });
        let batch = batch.collect();
        publisher.publish(batch).await;
    }
    let got = node.deliveries(expected.len()).await;
    assert_eq!(texts(got.iter().map(|d| &d.payload)), expected);
}

/// Promise 1.
pub async fn a_batch_over_many_topics_keeps_the_order_of_each(h: &dyn Harness) {
    const TOPICS: usize = 10;
    const EACH: usize = 20;
    let topics: Vec<_> = (0..TOPICS).map(|_| fresh("mixed")).collect();
    let (publisher, mut node) = (h.node().await, h.node().await);
    node.subscribe(&topics).await;
    let batch = (0..TOPICS * EACH)
        .map(|n| Publication::new(topics[n % TOPICS].clone(), (n / TOPICS).to_string()))
        .collect();
    let (_, got) = tokio::join!(publisher.publish(batch), node.deliveries(TOPICS * EACH));
    let mut next: HashMap<_, usize> = HashMap::new();
    for delivery in got {
        let next = next.entry(delivery.topic).or_default();
        assert_eq!(delivery.payload, next.to_string());
        *next += 1;
    }
    assert_eq!(next.len(), TOPICS);
}

/// Promise 1.
pub async fn publishers_at_once_each_keep_their_order_at_every_node(h: &dyn Harness) {
    const PUBLISHERS: usize = 3;
    const EACH: usize = 200;
    let topic = fresh("crowd");
    let mut nodes = Vec::new();
    for _ in 0..PUBLISHERS {
        let node = h.node().await;
        node.subscribe(std::slice::from_ref(&topic)).await;
        nodes.push(node);
    }
    let mut publishing = JoinSet::new();
    for (who, node) in nodes.iter().enumerate() {
        let (broker, topic) = (node.shared(), topic.clone());
        publishing.spawn(async move {
            for n in 0..EACH {
                let item = Publication::new(topic.clone(), format!("{who} {n}"));
                let answers = broker.publish(vec![item]).await;
                assert!(answers[0].is_ok(), "{answers:?}");
            }
        });
    }
    for got in deliveries_of(&mut nodes, PUBLISHERS * EACH).await {
        for who in 0..PUBLISHERS {
            let prefix = format!("{who} ");
            let mut own = texts(got.iter().map(|d| &d.payload));
            own.retain(|text| text.starts_with(&prefix));
            let expected: Vec<_> = (0..EACH).map(|n| format!("{who} {n}")).collect();
            assert_eq!(own, expected);
        }
    }
    within(publishing.join_all()).await;
}
