//! What a topic's log makes of a publication that comes again.

use tokio::task::JoinSet;

use crate::{
    BrokerError, OnceKey, Publication, Published, Topic,
    conformance::{
        Harness, Node,
        log::log_of,
        node::{fresh, texts, within},
    },
};

/// Promise 12.
pub async fn what_is_repeated_is_taken_once(h: &dyn Harness) {
    let topic = fresh("repeated");
    let (publisher, mut node) = (h.node().await, h.node().await);
    node.subscribe(std::slice::from_ref(&topic)).await;
    let first = publish(&publisher, keyed(&topic, "first", 1)).await;
    assert!(!first.duplicate && first.position.is_some());
    let again = publish(&publisher, keyed(&topic, "again", 1)).await;
    expect_duplicate(again, first);
    let other = publish(&publisher, keyed(&topic, "other", 2)).await;
    assert!(!other.duplicate && other.position > first.position);
    publisher.keep(&topic, "bare").await;
    publisher.keep(&topic, "bare").await;
    let third = publish(&publisher, keyed(&topic, "third time", 1)).await;
    expect_duplicate(third, first);

    let expected = ["first", "other", "bare", "bare"];
    let got = node.settled(&publisher, std::slice::from_ref(&topic)).await;
    assert_eq!(texts(got.iter().map(|d| &d.payload)), expected);
    assert_eq!(got[0].position, first.position);
    assert_eq!(got[1].position, other.position);
    assert_eq!(log_of(&node, &topic, None).await, expected);
    assert_eq!(
        log_of(&node, &topic, first.position).await,
        ["other", "bare", "bare"]
    );
}

/// Promise 12.
pub async fn what_another_node_repeats_is_taken_once(h: &dyn Harness) {
    let topic = fresh("elsewhere");
    let topics = std::slice::from_ref(&topic);
    let (first, second, mut listener) = (h.node().await, h.node().await, h.node().await);
    listener.subscribe(topics).await;
    let taken = publish(&first, keyed(&topic, "first", 1)).await;
    expect_duplicate(publish(&second, keyed(&topic, "second", 1)).await, taken);
    first.broker().close().await;
    // One that was not there when the key was taken.
    let third = h.node().await;
    expect_duplicate(publish(&third, keyed(&topic, "third", 1)).await, taken);
    let heard = heard_from(&mut listener, [&second, &third], &topic).await;
    assert_eq!(heard, ["first"]);
    for node in [&second, &third, &listener] {
        assert_eq!(log_of(node, &topic, None).await, ["first"]);
    }
}

/// Promise 12.
pub async fn a_batch_takes_a_key_once(h: &dyn Harness) {
    let topic = fresh("batch of keys");
    let (publisher, mut node) = (h.node().await, h.node().await);
    node.subscribe(std::slice::from_ref(&topic)).await;
    let batch = vec![
        keyed(&topic, "a", 1),
        keyed(&topic, "b", 2),
        keyed(&topic, "a again", 1),
        Publication::new(topic.clone(), "c").logged(),
        keyed(&topic, "b again", 2),
        keyed(&topic, "d", 3),
    ];
    let published = publisher.publish(batch).await;
    let duplicates: Vec<_> = published.iter().map(|one| one.duplicate).collect();
    assert_eq!(duplicates, [false, false, true, false, true, false]);
    expect_duplicate(published[2], published[0]);
    expect_duplicate(published[4], published[1]);
    let expected = ["a", "b", "c", "d"];
    let got = node.settled(&publisher, std::slice::from_ref(&topic)).await;
    assert_eq!(texts(got.iter().map(|d| &d.payload)), expected);
    assert_eq!(log_of(&node, &topic, None).await, expected);
}

/// Promise 12.
pub async fn nodes_that_publish_one_key_at_once_make_one_entry(h: &dyn Harness) {
    const KEYS: u8 = 20;
    let topic = fresh("race");
    let mut nodes = [h.node().await, h.node().await, h.node().await];
    for node in &nodes {
        node.subscribe(std::slice::from_ref(&topic)).await;
    }
    let mut publishing = JoinSet::new();
    for node in &nodes[..2] {
        let (broker, topic) = (node.shared(), topic.clone());
        publishing.spawn(async move {
            let mut taken = Vec::new();
            for number in 0..KEYS {
                let item = keyed(&topic, number.to_string(), number);
                let answers = broker.publish(vec![item]).await;
                let answer = answers[0].as_ref().expect("a connected node publishes");
                taken.push(!answer.duplicate);
            }
            taken
        });
    }
    let taken = within(publishing.join_all()).await;
    for number in 0..usize::from(KEYS) {
        let takers = taken.iter().filter(|taken| taken[number]).count();
        assert_eq!(takers, 1, "key {number} was taken {takers} times");
    }
    let expected: Vec<_> = (0..KEYS).map(|number| number.to_string()).collect();
    let [first, second, third] = &mut nodes;
    let heard = heard_from(third, [first, second], &topic).await;
    assert_eq!(heard, expected);
    for node in nodes {
        assert_eq!(log_of(&node, &topic, None).await, expected);
    }
}

/// Promise 12.
pub async fn topics_have_keys_of_their_own(h: &dyn Harness) {
    let topics = [fresh("own"), fresh("own"), fresh("own:é*>.{}")];
    let mut node = h.node().await;
    node.subscribe(&topics).await;
    let batch: Vec<_> = topics.iter().map(|topic| keyed(topic, "x", 1)).collect();
    for published in node.publish(batch.clone()).await {
        assert!(!published.duplicate);
    }
    for published in node.publish(batch).await {
        assert!(published.duplicate);
    }
    assert_eq!(node.deliveries(topics.len()).await.len(), topics.len());
    for topic in &topics {
        assert_eq!(log_of(&node, topic, None).await, ["x"]);
    }
}

/// Promise 12.
pub async fn a_key_outlives_its_entry(h: &dyn Harness) {
    let topic = fresh("dropped");
    let node = h.node().await;
    let first = publish(&node, keyed(&topic, "first", 1)).await;
    let filler = Publication::new(topic.clone(), "filler").logged();
    let max = h.bounds().max_count;
    node.publish(vec![filler; max + 12]).await;
    expect_duplicate(publish(&node, keyed(&topic, "again", 1)).await, first);
    let log = log_of(&node, &topic, None).await;
    assert!(log.iter().all(|text| text == "filler"), "{log:?}");
}

/// Promise 12.
pub async fn what_was_refused_leaves_its_key(h: &dyn Harness) {
    let topic = fresh("refused");
    let node = h.node().await;
    let size = node.broker().capabilities().max_payload + 1;
    let batch = vec![
        keyed(&topic, vec![0; size], 1),
        keyed(&topic, "fits", 1),
        keyed(&topic, "late", 1),
    ];
    let answers = within(node.broker().publish(batch)).await;
    assert!(
        matches!(answers[0], Err(BrokerError::TooLarge { .. })),
        "{answers:?}"
    );
    let answered = |place: usize| answers[place].as_ref().map(|one| one.duplicate).ok();
    assert_eq!([answered(1), answered(2)], [Some(false), Some(true)]);
    assert_eq!(log_of(&node, &topic, None).await, ["fits"]);
}

/// Promise 12, of what is for no log.
pub async fn without_a_log_a_key_means_nothing(h: &dyn Harness) {
    let topic = fresh("no log, no key");
    let mut node = h.node().await;
    node.subscribe(std::slice::from_ref(&topic)).await;
    let live = Publication::new(topic.clone(), "live").once(OnceKey::new([1; 16]));
    let mut batch = vec![live; 2];
    if !node.broker().capabilities().log {
        batch.extend([keyed(&topic, "live", 1), keyed(&topic, "live", 1)]);
    }
    let count = batch.len();
    for published in node.publish(batch).await {
        assert!(!published.duplicate);
    }
    let got = node.deliveries(count).await;
    assert!(got.iter().all(|delivery| delivery.payload == "live"));
}

/// An item for a topic's log with one of a few keys.
pub(super) fn keyed(topic: &Topic, payload: impl Into<bytes::Bytes>, key: u8) -> Publication {
    Publication::new(topic.clone(), payload)
        .logged()
        .once(OnceKey::new([key; 16]))
}

/// What a node hears of a topic, up to a marker behind whatever each of the others has sent.
async fn heard_from(listener: &mut Node, publishers: [&Node; 2], topic: &Topic) -> Vec<String> {
    let mut heard = Vec::new();
    for publisher in publishers {
        let ahead = listener.settled(publisher, std::slice::from_ref(topic));
        heard.extend(ahead.await);
    }
    texts(heard.iter().map(|delivery| &delivery.payload))
}

/// Publishes one item.
pub(super) async fn publish(node: &Node, item: Publication) -> Published {
    node.publish(vec![item]).await[0]
}

/// That the answer tells of a duplicate, and of no other place than the first one's.
pub(super) fn expect_duplicate(answer: Published, first: Published) {
    assert!(answer.duplicate, "{answer:?} is no duplicate of {first:?}");
    let place = answer.position;
    assert!(
        place.is_none() || place == first.position,
        "{place:?} is not where {first:?} is"
    );
}
