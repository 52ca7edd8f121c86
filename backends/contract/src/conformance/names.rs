//! That a topic is its bytes and nothing more.

use crate::{
    Topic,
    conformance::{
        Harness,
        node::{fresh, settled, texts},
    },
};

/// Endings that some broker somewhere reads as a pattern, a separator, an escape or a space, that
/// some encoding takes for one another, or that are hard to carry.
const ENDINGS: &[&str] = &[
    "a",
    "A",
    "a.b",
    "a.*",
    "a.>",
    "a.#",
    "a.+",
    "*",
    ">",
    "#",
    "?",
    "[ab]",
    "[^a]",
    "a:b",
    "a/b",
    "a/#",
    "a\\b",
    "a\\*",
    "{a}",
    "{a}b",
    "{b}a",
    "a%2Eb",
    "%61",
    "a_2e_b",
    "a=2Eb",
    "$a",
    "$SYS",
    "@a",
    "a b",
    "a  b",
    " a",
    "a ",
    "a\tb",
    "a\nb",
    "a\r\nb",
    "a\0b",
    "a\0",
    "\0",
    "é",
    "e\u{301}",
    "É",
    "ß",
    "ss",
    "İ",
    "日本",
    "🍕",
    "🍕🍕",
    "\u{feff}a",
    "\u{200d}",
    "..",
    ".",
    "",
    "a.",
    ".a",
    "a..b",
    "'a'",
    "\"a\"",
    "a;b",
    "a,b",
    "a|b",
    "`a`",
    "~",
    "-",
    "_",
    "a-b",
    "a_b",
];

/// Promise 6.
pub async fn names_never_collide_and_are_never_patterns(h: &dyn Harness) {
    let topics = family(&fresh("n"));
    let publisher = h.node().await;
    let mut nodes = [h.node().await, h.node().await];
    // Each half of the names is heard by a node that must hear nothing of the other half.
    for (half, node) in nodes.iter().enumerate() {
        node.subscribe(&every_other(&topics, half)).await;
    }
    for topic in &topics {
        publisher.send(topic, topic.to_string()).await;
    }
    let got = settled(nodes.each_mut(), &publisher, &topics).await;
    for (half, mut got) in got.into_iter().enumerate() {
        for delivery in &got {
            assert_eq!(delivery.payload, delivery.topic.as_ref().as_bytes());
        }
        got.sort_by(|a, b| a.topic.cmp(&b.topic));
        let mut expected = every_other(&topics, half);
        expected.sort();
        let got: Vec<_> = got.into_iter().map(|d| d.topic).collect();
        assert_eq!(got, expected);
    }
}

/// Promise 6.
pub async fn each_name_is_counted_by_itself(h: &dyn Harness) {
    let topics = family(&fresh("c"));
    let (asking, node) = (h.node().await, h.node().await);
    node.subscribe(&every_other(&topics, 0)).await;
    for (n, topic) in topics.iter().enumerate() {
        let listening = asking.count(topic).await > 0;
        assert_eq!(listening, n % 2 == 0, "{topic:?}");
    }
    node.unsubscribe(&every_other(&topics, 0)).await;
    for topic in &topics {
        assert_eq!(asking.count(topic).await, 0, "{topic:?}");
    }
}

/// Promises 6 and 11.
pub async fn each_name_has_a_log_of_its_own(h: &dyn Harness) {
    let topics = family(&fresh("l"));
    let node = h.node().await;
    for topic in &topics {
        node.keep(topic, topic.to_string()).await;
    }
    for topic in &topics {
        let log = node.log(topic, None).await.expect("a log reads");
        let kept = texts(log.iter().map(|entry| &entry.payload));
        assert_eq!(kept, [topic.to_string()]);
    }
}

/// Promise 6.
pub async fn the_longest_name_works(h: &dyn Harness) {
    let mut name = fresh("long").to_string();
    name.push_str(&"🍕".repeat((Topic::MAX_BYTES - name.len()) / 4));
    name.push_str(&"x".repeat(Topic::MAX_BYTES - name.len()));
    let topic = Topic::new(name.clone()).expect("the limit is allowed");
    name.pop();
    let shorter = Topic::new(name).expect("less than the limit is allowed");
    let (publisher, mut node) = (h.node().await, h.node().await);
    node.subscribe(std::slice::from_ref(&topic)).await;
    publisher.send(&topic, "long").await;
    publisher.send(&shorter, "shorter").await;
    let got = node.settled(&publisher, &[topic, shorter]).await;
    assert_eq!(texts(got.iter().map(|d| &d.payload)), ["long"]);
}

/// Names alike but for their endings, and some without anything in common with them.
fn family(stem: &Topic) -> Vec<Topic> {
    let (label, suffix) = stem.as_str().split_once(':').unwrap_or_default();
    let endings = ENDINGS.iter().map(|ending| format!("{stem}{ending}"));
    let beginnings = ENDINGS
        .iter()
        .map(|start| format!("{start}{label}{suffix}"));
    endings
        .chain(beginnings)
        .map(|name| Topic::new(name).expect("the names are short"))
        .collect()
}

fn every_other(topics: &[Topic], from: usize) -> Vec<Topic> {
    topics.iter().skip(from).step_by(2).cloned().collect()
}
