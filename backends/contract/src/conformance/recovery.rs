//! What happens when the server goes away and comes back.

use crate::{
    Inbound, Publication, Topic,
    conformance::{
        Fault, Harness, Node,
        log::log_of,
        node::{fresh, texts, within},
        once::{expect_duplicate, keyed, publish},
    },
};

/// Promise 8.
pub async fn a_restart_brings_every_subscription_back_behind_a_gap(h: &dyn Harness) {
    let topics: Vec<_> = (0..20).map(|_| fresh("heal")).collect();
    let (publisher, mut node) = (h.node().await, h.node().await);
    node.subscribe(&topics).await;
    publisher.send(&topics[0], "before").await;
    assert_eq!(node.delivery().await.payload, "before");
    restart(h).await;
    told_of_gaps(&mut node, &topics).await;

    for topic in &topics {
        send_when_back(&publisher, topic, "after").await;
    }
    back(&node).await;
    let got = node.settled(&publisher, &topics).await;
    let mut heard: Vec<_> = got.into_iter().map(|d| d.topic).collect();
    heard.sort();
    heard.dedup();
    let mut expected = topics;
    expected.sort();
    assert_eq!(heard, expected);
}

/// Promise 8.
pub async fn a_restart_does_not_bring_back_what_was_unsubscribed(h: &dyn Harness) {
    let (kept, ended) = (fresh("kept"), fresh("ended"));
    let both = [kept.clone(), ended.clone()];
    let (publisher, mut node) = (h.node().await, h.node().await);
    node.subscribe(&both).await;
    node.unsubscribe(std::slice::from_ref(&ended)).await;
    restart(h).await;
    told_of_gaps(&mut node, std::slice::from_ref(&kept)).await;
    send_when_back(&publisher, &ended, "ended").await;
    send_when_back(&publisher, &kept, "kept").await;
    back(&node).await;
    let got = node.settled(&publisher, &both).await;
    let mut got = texts(got.iter().map(|d| &d.payload));
    got.dedup();
    assert_eq!(got, ["kept"]);
}

/// Promise 9.
pub async fn while_the_broker_is_away_publishing_fails_fast_and_retryable(h: &dyn Harness) {
    let topic = fresh("away");
    let node = h.node().await;
    node.send(&topic, "here").await;
    fault(h).stop().await;
    let item = || Publication::new(topic.clone(), "away");
    let answers = within(node.broker().publish(vec![item(), item()])).await;
    let health = within(node.broker().health()).await;
    fault(h).start().await;
    assert_eq!(answers.len(), 2);
    let errors = answers.into_iter().map(|answer| answer.err());
    for error in errors.chain([health.err()]) {
        let error = error.expect("nothing works without a broker");
        assert!(error.is_retryable(), "{error:?}");
    }
    send_when_back(&node, &topic, "back").await;
}

/// Promise 10.
pub async fn closing_ends_even_while_the_broker_is_away(h: &dyn Harness) {
    let topic = [fresh("lost")];
    let (other, mut node) = (h.node().await, h.node().await);
    node.subscribe(&topic).await;
    fault(h).stop().await;
    within(node.broker().close()).await;
    fault(h).start().await;
    while let Some(inbound) = node.next().await {
        assert!(matches!(inbound, Inbound::Gap(_)), "{inbound:?}");
    }
    send_when_back(&other, &topic[0], "anyone").await;
    assert_eq!(other.count(&topic[0]).await, 0);
}

/// Promise 11, for a log that survives a restart.
pub async fn the_log_is_still_there_after_a_restart(h: &dyn Harness) {
    let topic = fresh("durable");
    let node = h.node().await;
    let first = node.keep(&topic, "one").await;
    node.keep(&topic, "two").await;
    restart(h).await;
    send_when_back(&node, &topic, "not kept").await;
    let third = node.keep(&topic, "three").await;
    let log = node.log(&topic, Some(first)).await.expect("a log reads");
    assert_eq!(texts(log.iter().map(|e| &e.payload)), ["two", "three"]);
    assert!(third > first);
}

/// Promise 12, for a log that survives a restart.
pub async fn keys_are_still_known_after_a_restart(h: &dyn Harness) {
    let topic = fresh("durable key");
    let (first, second) = (h.node().await, h.node().await);
    let taken = publish(&first, keyed(&topic, "one", 1)).await;
    restart(h).await;
    for node in [&first, &second] {
        send_when_back(node, &topic, "not kept").await;
    }
    let third = h.node().await;
    for node in [&first, &second, &third] {
        expect_duplicate(publish(node, keyed(&topic, "again", 1)).await, taken);
        publish(node, keyed(&topic, "two", 2)).await;
    }
    assert_eq!(log_of(&third, &topic, None).await, ["one", "two"]);
}

/// Waits until the node has been told of a gap in each topic.
async fn told_of_gaps(node: &mut Node, topics: &[Topic]) {
    let mut missing: Vec<_> = topics.iter().collect();
    while !missing.is_empty() {
        let gap = node.gap().await;
        missing.retain(|topic| !gap.covers(topic));
    }
}

/// Waits until the node has found its way back whole: a gap tells of the way in alone.
async fn back(node: &Node) {
    within(async {
        while let Err(error) = node.broker().health().await {
            assert!(error.is_retryable(), "{error:?}");
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Publishes once the node has found its way back, trying for as long as a retry is promised to
/// help.
async fn send_when_back(node: &Node, topic: &Topic, payload: &'static str) {
    within(async {
        loop {
            let item = Publication::new(topic.clone(), payload);
            match node.broker().publish(vec![item]).await.pop() {
                Some(Ok(_)) => return,
                Some(Err(error)) => assert!(error.is_retryable(), "{error:?}"),
                None => panic!("an item was not answered"),
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
}

async fn restart(h: &dyn Harness) {
    fault(h).stop().await;
    fault(h).start().await;
}

fn fault(h: &dyn Harness) -> &dyn Fault {
    h.fault()
        .expect("a backend with a server has a harness with power over it")
}
