//! What a topic's log holds, and what it says when it does not.

use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;

use crate::{
    BrokerError, OnceKey, Position, Publication, Topic,
    conformance::{
        Harness, Node,
        node::{deliveries_of, fresh, texts, within},
    },
};

/// Promise 11.
pub async fn the_log_equals_what_was_delivered(h: &dyn Harness) {
    const EACH: usize = 40;
    let topic = fresh("equal");
    let mut nodes = [h.node().await, h.node().await];
    for node in &nodes {
        node.subscribe(std::slice::from_ref(&topic)).await;
    }
    let mut publishing = JoinSet::new();
    for (who, node) in nodes.iter().enumerate() {
        let (broker, topic) = (node.shared(), topic.clone());
        publishing.spawn(async move {
            let mut positions = Vec::new();
            for n in 0..EACH {
                let item = Publication::new(topic.clone(), format!("{who} {n}")).logged();
                let answers = broker.publish(vec![item]).await;
                positions.extend(answers.into_iter().flatten().map(|p| p.position));
            }
            positions
        });
    }

    let delivered = deliveries_of(&mut nodes, 2 * EACH).await;
    let mut answered = within(publishing.join_all()).await.concat();
    let log = nodes[1].log(&topic, None).await.expect("a log reads");
    let kept = log.len().min(h.bounds().max_count);
    assert!(kept > 0);
    for delivered in &delivered {
        assert!(delivered.is_sorted_by(|a, b| a.position < b.position));
        let end = &delivered[2 * EACH - kept..];
        let end = end.iter().map(|d| (d.position, d.payload.clone()));
        let log = log.iter().map(|e| (Some(e.position), e.payload.clone()));
        assert!(end.eq(log), "the log is the end of what was delivered");
    }
    answered.sort();
    assert!(delivered[0].iter().map(|d| d.position).eq(answered));
}

/// Promise 11.
pub async fn only_what_asked_for_it_is_kept(h: &dyn Harness) {
    let topic = fresh("mixed");
    let (publisher, mut node) = (h.node().await, h.node().await);
    node.subscribe(std::slice::from_ref(&topic)).await;
    let item = |text: &'static str| Publication::new(topic.clone(), text);
    let batch = vec![item("a"), item("B").logged(), item("c"), item("D").logged()];
    let published = publisher.publish(batch).await;
    let kept: Vec<_> = published.iter().map(|p| p.position.is_some()).collect();
    assert_eq!(kept, [false, true, false, true]);
    let got = node.deliveries(4).await;
    assert_eq!(texts(got.iter().map(|d| &d.payload)), ["a", "B", "c", "D"]);
    for (delivery, published) in got.iter().zip(&published) {
        assert_eq!(delivery.position, published.position);
    }
    assert_eq!(log_of(&node, &topic, None).await, ["B", "D"]);
}

/// Promise 11.
pub async fn the_log_is_there_for_every_node_and_needs_no_listener(h: &dyn Harness) {
    let topic = fresh("shared");
    let (first, second) = (h.node().await, h.node().await);
    first.keep(&topic, "one").await;
    second.keep(&topic, "two").await;
    first.broker().close().await;
    let third = h.node().await;
    for node in [&second, &third] {
        assert_eq!(log_of(node, &topic, None).await, ["one", "two"]);
    }
}

/// Promise 11.
pub async fn reading_goes_on_after_a_position(h: &dyn Harness) {
    let topic = fresh("after");
    let node = h.node().await;
    let mut positions = Vec::new();
    for n in 0..5 {
        positions.push(node.keep(&topic, n.to_string()).await);
    }
    let broker = node.broker();
    for (n, after) in positions.iter().enumerate() {
        let page = within(broker.read_log(&topic, Some(*after), 2)).await;
        let page = page.expect("a log reads");
        let expected: Vec<_> = (n + 1..5).take(2).map(|n| n.to_string()).collect();
        assert_eq!(texts(page.entries.iter().map(|e| &e.payload)), expected);
        assert_eq!(page.more, n + 3 < 5);
        assert_eq!(page.newest, positions[4]);
    }
}

/// Promise 11.
pub async fn the_newest_position_is_known_without_reading(h: &dyn Harness) {
    let topic = fresh("newest");
    let node = h.node().await;
    let newest = |limit| {
        let (broker, topic) = (node.shared(), topic.clone());
        async move { within(broker.read_log(&topic, None, limit)).await }
    };
    let empty = newest(0).await.expect("an empty log reads");
    assert!(empty.entries.is_empty() && !empty.more);
    assert!(log_of(&node, &topic, Some(empty.newest)).await.is_empty());

    let first = node.keep(&topic, "first").await;
    assert!(first > empty.newest);
    let page = newest(0).await.expect("a log reads");
    assert!(page.entries.is_empty() && page.more);
    assert_eq!(page.newest, first);
    node.keep(&topic, "second").await;
    let since_empty = log_of(&node, &topic, Some(empty.newest)).await;
    assert_eq!(since_empty, ["first", "second"]);
    assert_eq!(log_of(&node, &topic, Some(page.newest)).await, ["second"]);
}

/// Promise 11.
pub async fn a_position_that_was_never_issued_is_unknown(h: &dyn Harness) {
    let (topic, empty) = (fresh("unknown"), fresh("unknown"));
    let node = h.node().await;
    let last = node.keep(&topic, "x").await;
    let beyond = Position::new(last.as_u128() + 1_000_000);
    for foreign in [beyond, Position::new(u128::MAX)] {
        expect_unknown(&node, &topic, foreign).await;
        expect_unknown(&node, &empty, foreign).await;
    }
}

/// Promise 11.
pub async fn the_log_is_bounded_in_count(h: &dyn Harness) {
    let topic = fresh("entries");
    let node = h.node().await;
    let max = h.bounds().max_count;
    overfill(&node, &topic, max + 12, |n| n.to_string().into(), max).await;
}

/// Promise 11.
pub async fn the_log_is_bounded_in_bytes(h: &dyn Harness) {
    let topic = fresh("bytes");
    let node = h.node().await;
    let size = h.bounds().max_bytes / 4;
    let payload = move |n: usize| {
        let mut payload = vec![b'.'; size];
        payload[..4].copy_from_slice(&(n as u32).to_be_bytes());
        Bytes::from(payload)
    };
    overfill(&node, &topic, 12, payload, 4).await;
}

/// Promises 11 and 12, together since both wait for an age to pass.
pub async fn the_log_and_its_keys_are_bounded_in_age(h: &dyn Harness) {
    let topic = fresh("age");
    let (node, age) = h.hasty().await;
    let keyed = fresh("age of a key");
    let key = OnceKey::new([7; 16]);
    let again = || Publication::new(keyed.clone(), "again").logged().once(key);
    assert!(!node.publish(vec![again()]).await[0].duplicate);
    let empty = within(node.broker().read_log(&topic, None, 0)).await;
    let empty = empty.expect("an empty log reads").newest;
    let first = node.keep(&topic, "first").await;
    let second = node.keep(&topic, "second").await;
    h.pass(age + Duration::from_secs(1)).await;
    assert!(log_of(&node, &topic, None).await.is_empty());
    expect_unknown(&node, &topic, first).await;
    assert!(!node.publish(vec![again()]).await[0].duplicate);
    assert_eq!(log_of(&node, &keyed, None).await, ["again"]);
    let third = node.keep(&topic, "third").await;
    assert!(third > second, "positions rise across what was dropped");
    assert_eq!(log_of(&node, &topic, None).await, ["third"]);
    expect_unknown(&node, &topic, empty).await;
    expect_unknown(&node, &topic, first).await;
    // All that followed the second is there, but a broker may have forgotten that it is so.
    match node.log(&topic, Some(second)).await {
        Ok(log) => assert_eq!(texts(log.iter().map(|e| &e.payload)), ["third"]),
        Err(error) => assert!(
            matches!(error, BrokerError::UnknownPosition { .. }),
            "{error:?}"
        ),
    }
}

/// Promise 11, for a backend without a log.
pub async fn a_backend_without_a_log_says_so(h: &dyn Harness) {
    let topic = fresh("no-log");
    let mut node = h.node().await;
    node.subscribe(std::slice::from_ref(&topic)).await;
    let item = Publication::new(topic.clone(), "x").logged();
    assert_eq!(node.publish(vec![item]).await[0].position, None);
    assert_eq!(node.delivery().await.position, None);
    let read = within(node.broker().read_log(&topic, None, 1)).await;
    assert!(matches!(read, Err(BrokerError::LogUnsupported)), "{read:?}");
}

/// Publishes `count` items, and expects that the log keeps the last of them, at most `max`, and
/// knows what it has dropped.
async fn overfill(
    node: &Node,
    topic: &Topic,
    count: usize,
    payload: impl Fn(usize) -> Bytes,
    max: usize,
) {
    let mut positions = Vec::new();
    for n in 0..count {
        positions.push(node.keep(topic, payload(n)).await);
    }
    let log = node.log(topic, None).await.expect("a log reads");
    assert!((1..=max).contains(&log.len()), "{} entries", log.len());
    let dropped = count - log.len();
    for (n, entry) in (dropped..).zip(&log) {
        assert_eq!(entry.position, positions[n]);
        assert!(entry.payload == payload(n), "entry {n} is another");
    }
    for position in &positions[..dropped - 1] {
        expect_unknown(node, topic, *position).await;
    }
    let rest = node.log(topic, Some(positions[dropped])).await;
    assert_eq!(rest.expect("a kept position is known"), log[1..]);
}

pub(super) async fn log_of(node: &Node, topic: &Topic, after: Option<Position>) -> Vec<String> {
    let log = node.log(topic, after).await.expect("a log reads");
    texts(log.iter().map(|entry| &entry.payload))
}

async fn expect_unknown(node: &Node, topic: &Topic, after: Position) {
    let read = within(node.broker().read_log(topic, Some(after), 10)).await;
    assert!(
        matches!(read, Err(BrokerError::UnknownPosition { position }) if position == after),
        "after {after:?} came {read:?}"
    );
}
