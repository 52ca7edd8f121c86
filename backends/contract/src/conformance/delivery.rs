//! Who gets a message, how often, and how whole.

use bytes::Bytes;
use tokio::task::JoinSet;

use crate::{
    BrokerError, MAX_PAYLOAD, Publication,
    conformance::{
        Harness,
        node::{fresh, texts, within},
    },
};

/// Promise 3.
pub async fn every_subscribed_node_gets_a_message_once_the_publisher_included(h: &dyn Harness) {
    let topic = fresh("once");
    let (mut publisher, mut near, mut far) = (h.node().await, h.node().await, h.node().await);
    for node in [&publisher, &near, &far] {
        node.subscribe(std::slice::from_ref(&topic)).await;
    }
    publisher.send(&topic, "hello").await;
    publisher.send(&topic, "end").await;
    for node in [&mut publisher, &mut near, &mut far] {
        let got = node.deliveries(2).await;
        assert_eq!(texts(got.iter().map(|d| &d.payload)), ["hello", "end"]);
        assert!(got.iter().all(|d| d.topic == topic && d.position.is_none()));
    }
}

/// Promise 3.
pub async fn a_node_that_does_not_listen_gets_nothing(h: &dyn Harness) {
    let (wanted, other) = (fresh("wanted"), fresh("other"));
    let (publisher, mut node) = (h.node().await, h.node().await);
    node.subscribe(std::slice::from_ref(&wanted)).await;
    publisher.send(&other, "not for you").await;
    publisher.send(&wanted, "for you").await;
    let got = node.settled(&publisher, &[wanted, other]).await;
    assert_eq!(texts(got.iter().map(|d| &d.payload)), ["for you"]);
}

/// Promise 3.
pub async fn a_publisher_need_not_listen(h: &dyn Harness) {
    let topic = fresh("mute");
    let (mut publisher, mut node) = (h.node().await, h.node().await);
    node.subscribe(std::slice::from_ref(&topic)).await;
    publisher.send(&topic, "hello").await;
    assert_eq!(node.delivery().await.payload, "hello");
    let mine = fresh("mine");
    publisher.subscribe(std::slice::from_ref(&mine)).await;
    publisher.send(&mine, "end").await;
    assert_eq!(publisher.delivery().await.payload, "end");
}

/// Promise 3.
pub async fn a_full_inbox_delays_and_loses_nothing(h: &dyn Harness) {
    const COUNT: usize = 2_000;
    let topic = fresh("full");
    let (publisher, mut node) = (h.node().await, h.node().await);
    node.subscribe(std::slice::from_ref(&topic)).await;
    let broker = publisher.shared();
    let batch = (0..COUNT)
        .map(|n| Publication::new(topic.clone(), n.to_string()))
        .collect();
    let mut publishing = JoinSet::new();
    publishing.spawn(async move { broker.publish(batch).await });
    let got = node.deliveries(COUNT).await;
    let expected: Vec<_> = (0..COUNT).map(|n| n.to_string()).collect();
    assert_eq!(texts(got.iter().map(|d| &d.payload)), expected);
    let answers = within(publishing.join_all()).await.concat();
    assert!(answers.iter().all(Result::is_ok));
}

/// Promise 4.
pub async fn each_item_of_a_batch_is_answered_in_its_place(h: &dyn Harness) {
    let (one, two) = (fresh("one"), fresh("two"));
    let mut node = h.node().await;
    node.subscribe(&[one.clone(), two.clone()]).await;
    let over = vec![0; node.broker().capabilities().max_payload + 1];
    let batch = vec![
        Publication::new(one.clone(), "1"),
        Publication::new(one.clone(), over),
        Publication::new(two.clone(), "2"),
        Publication::new(one.clone(), "3"),
    ];
    let answers = within(node.broker().publish(batch)).await;
    assert_eq!(answers.len(), 4);
    assert!(matches!(answers[1], Err(BrokerError::TooLarge { .. })));
    for place in [0, 2, 3] {
        assert!(answers[place].is_ok(), "item {place}: {answers:?}");
    }
    let mut got = node.deliveries(3).await;
    got.sort_by(|a, b| a.payload.cmp(&b.payload));
    assert_eq!(texts(got.iter().map(|d| &d.payload)), ["1", "2", "3"]);
    assert_eq!([&got[0].topic, &got[1].topic], [&one, &two]);
}

/// Promise 4.
pub async fn an_empty_batch_has_an_empty_answer(h: &dyn Harness) {
    let node = h.node().await;
    assert!(within(node.broker().publish(Vec::new())).await.is_empty());
}

/// Promise 5.
pub async fn payloads_arrive_whole(h: &dyn Harness) {
    let topic = fresh("whole");
    let (publisher, mut node) = (h.node().await, h.node().await);
    node.subscribe(std::slice::from_ref(&topic)).await;
    for size in [0, 1, 255, 256, 65_535, 65_536, MAX_PAYLOAD] {
        // Every byte value, in a pattern that shows a piece lost or moved.
        let bytes = (0..size).map(|n| (n ^ (n >> 8) ^ (n >> 16)) as u8);
        let payload: Bytes = bytes.collect();
        publisher.send(&topic, payload.clone()).await;
        let got = node.delivery().await.payload;
        assert!(got == payload, "{size} bytes came back as {}", got.len());
    }
}

/// Promise 5.
pub async fn a_payload_over_the_limit_is_refused_and_goes_nowhere(h: &dyn Harness) {
    let topic = fresh("large");
    let (publisher, mut node) = (h.node().await, h.node().await);
    node.subscribe(std::slice::from_ref(&topic)).await;
    let max = publisher.broker().capabilities().max_payload;
    assert!(max >= MAX_PAYLOAD);
    let over = Publication::new(topic.clone(), vec![0; max + 1]);
    let answers = within(publisher.broker().publish(vec![over])).await;
    let [Err(error)] = answers.as_slice() else {
        panic!("an oversized payload was taken");
    };
    assert!(!error.is_retryable());
    assert!(
        matches!(error, BrokerError::TooLarge { size, max: limit } if *size == max + 1 && *limit == max),
        "{error:?}"
    );
    assert!(node.settled(&publisher, &[topic]).await.is_empty());
}
