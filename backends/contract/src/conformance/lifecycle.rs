//! When deliveries begin and end, who is counted, and what leaving leaves.

use tokio::task::JoinSet;

use crate::{
    BrokerError, Inbound, Publication,
    conformance::{
        Harness,
        node::{fresh, settled, texts, within},
    },
};

/// Promise 2.
pub async fn nothing_published_before_subscribe_arrives(h: &dyn Harness) {
    let topic = fresh("begin");
    let (publisher, mut node) = (h.node().await, h.node().await);
    publisher.send(&topic, "too early").await;
    assert!(node.settled(&publisher, &[topic]).await.is_empty());
}

/// Promise 2.
pub async fn everything_published_after_subscribe_arrives(h: &dyn Harness) {
    let topics: Vec<_> = (0..1_000).map(|_| fresh("at-once")).collect();
    let (publisher, mut node) = (h.node().await, h.node().await);
    node.subscribe(&topics).await;
    let batch = topics.iter().map(|t| Publication::new(t.clone(), "now"));
    let (broker, batch) = (publisher.shared(), batch.collect());
    let mut publishing = JoinSet::new();
    publishing.spawn(async move { broker.publish(batch).await });
    let mut got: Vec<_> = node.deliveries(topics.len()).await;
    got.sort_by(|a, b| a.topic.cmp(&b.topic));
    let mut expected = topics;
    expected.sort();
    assert!(got.iter().map(|d| &d.topic).eq(&expected));
    within(publishing.join_all()).await;
}

/// Promise 2.
pub async fn nothing_published_after_unsubscribe_arrives(h: &dyn Harness) {
    let (ended, kept) = (fresh("ended"), fresh("kept"));
    let both = [ended.clone(), kept.clone()];
    let (publisher, mut node, mut other) = (h.node().await, h.node().await, h.node().await);
    node.subscribe(&both).await;
    other.subscribe(&both).await;
    node.unsubscribe(std::slice::from_ref(&ended)).await;
    publisher.send(&ended, "too late").await;
    publisher.send(&kept, "still").await;
    let [got, mut others] = settled([&mut node, &mut other], &publisher, &both).await;
    assert_eq!(texts(got.iter().map(|d| &d.payload)), ["still"]);
    others.sort_by(|a, b| a.payload.cmp(&b.payload));
    assert_eq!(
        texts(others.iter().map(|d| &d.payload)),
        ["still", "too late"],
        "one node's leaving is not another's"
    );
}

/// Promise 2.
pub async fn subscribing_twice_is_subscribing_once(h: &dyn Harness) {
    let topic = fresh("twice");
    let (publisher, mut node) = (h.node().await, h.node().await);
    node.subscribe(&[topic.clone(), topic.clone()]).await;
    node.subscribe(std::slice::from_ref(&topic)).await;
    publisher.send(&topic, "once").await;
    let all = [topic];
    let got = node.settled(&publisher, &all).await;
    assert_eq!(texts(got.iter().map(|d| &d.payload)), ["once"]);
    node.unsubscribe(&all).await;
    publisher.send(&all[0], "gone").await;
    assert!(node.settled(&publisher, &all).await.is_empty());
}

/// Promise 2.
pub async fn unsubscribing_what_was_not_subscribed_is_no_error(h: &dyn Harness) {
    let topic = fresh("never");
    let node = h.node().await;
    node.unsubscribe(&[topic.clone(), topic]).await;
    node.unsubscribe(&[]).await;
    node.subscribe(&[]).await;
}

/// Promise 7.
pub async fn counting_tells_some_from_none_and_is_not_noticed(h: &dyn Harness) {
    let topic = fresh("count");
    let (asking, mut node) = (h.node().await, h.node().await);
    assert_eq!(asking.count(&topic).await, 0);
    node.subscribe(std::slice::from_ref(&topic)).await;
    assert!(asking.count(&topic).await > 0);
    assert!(node.count(&topic).await > 0);
    let all = [topic];
    assert!(node.settled(&asking, &all).await.is_empty());
    node.unsubscribe(&all).await;
    assert_eq!(asking.count(&all[0]).await, 0);
}

/// Promise 7.
pub async fn the_count_is_of_nodes_and_exact(h: &dyn Harness) {
    let topic = [fresh("exact")];
    let (asking, near, far) = (h.node().await, h.node().await, h.node().await);
    near.subscribe(&topic).await;
    near.subscribe(&topic).await;
    assert_eq!(asking.count(&topic[0]).await, 1);
    far.subscribe(&topic).await;
    asking.subscribe(&topic).await;
    assert_eq!(asking.count(&topic[0]).await, 3);
    near.unsubscribe(&topic).await;
    assert_eq!(far.count(&topic[0]).await, 2);
    far.broker().close().await;
    assert_eq!(asking.count(&topic[0]).await, 1);
}

/// Promise 9, its sunny half.
pub async fn a_connected_broker_is_healthy(h: &dyn Harness) {
    let node = h.node().await;
    let health = within(node.broker().health()).await;
    assert!(health.is_ok(), "{health:?}");
}

/// Promise 10.
pub async fn closing_leaves_nothing_behind(h: &dyn Harness) {
    let topics = [fresh("left"), fresh("left")];
    let (mut publisher, mut leaving) = (h.node().await, h.node().await);
    publisher.subscribe(&topics[..1]).await;
    leaving.subscribe(&topics).await;
    within(leaving.broker().close()).await;
    assert_eq!(publisher.count(&topics[1]).await, 0);
    publisher.send(&topics[0], "who is there").await;
    publisher.send(&topics[1], "nobody").await;
    assert_eq!(leaving.next().await, None, "the inbox ends, and ends empty");
    assert_eq!(publisher.delivery().await.payload, "who is there");
}

/// Promise 10.
pub async fn closing_ends_the_inbox_behind_what_it_holds(h: &dyn Harness) {
    let topic = [fresh("drain")];
    let mut node = h.node().await;
    node.subscribe(&topic).await;
    node.send(&topic[0], "first").await;
    assert_eq!(node.delivery().await.payload, "first");
    node.send(&topic[0], "last").await;
    within(node.broker().close()).await;
    // Closing may overtake the last one on its way here, but must not tear anything else.
    match node.next().await {
        None => {}
        Some(Inbound::Delivery(delivery)) => {
            assert_eq!(delivery.payload, "last");
            assert_eq!(node.next().await, None);
        }
        Some(Inbound::Gap(gap)) => panic!("closing is no {gap:?}"),
    }
}

/// Promise 10.
pub async fn a_closed_broker_says_so(h: &dyn Harness) {
    let topic = [fresh("closed")];
    let node = h.node().await;
    let broker = node.broker();
    let capabilities = broker.capabilities();
    within(broker.close()).await;
    within(broker.close()).await;
    assert_eq!(broker.capabilities(), capabilities);

    let item = || Publication::new(topic[0].clone(), "x");
    let answers = within(broker.publish(vec![item(), item()])).await;
    assert_eq!(answers.len(), 2);
    let mut errors: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    assert_eq!(errors.len(), 2, "a closed broker takes nothing");
    errors.extend(within(broker.subscribe(&topic)).await.err());
    errors.extend(within(broker.unsubscribe(&topic)).await.err());
    errors.extend(within(broker.subscriber_count(&topic[0])).await.err());
    errors.extend(within(broker.health()).await.err());
    assert_eq!(errors.len(), 6, "a closed broker does nothing: {errors:?}");
    for error in errors {
        assert!(matches!(error, BrokerError::Closed), "{error:?}");
    }
}
