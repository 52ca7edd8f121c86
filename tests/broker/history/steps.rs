//! What is done to the logs of two topics.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::{Index, select};

use super::BOUNDS;

/// Topics that the steps of a case are about.
pub(crate) const TOPICS: usize = 2;

/// Nodes that take the steps.
pub(crate) const NODES: usize = 2;

/// One call.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Publish {
        node: usize,
        items: Vec<Item>,
    },
    Read {
        node: usize,
        topic: usize,
        after: After,
        limit: usize,
    },
}

/// An item of a batch.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) topic: usize,
    /// Bytes of its payload.
    pub(crate) size: usize,
    /// One of so few keys that most come again.
    pub(crate) key: Option<u8>,
    pub(crate) log: bool,
}

/// After which position is read.
#[derive(Debug, Clone)]
pub(crate) enum After {
    /// None: from the oldest entry.
    Start,
    /// Any that was given for the topic.
    Given(Index),
    /// So many before the highest that was given for the topic.
    Recent(usize),
    /// The number beside one that was given for the topic, above it or below it.
    Beside(Index, bool),
    /// One that was given for the other topic.
    Elsewhere(Index),
    /// One that nothing has reached.
    Beyond,
    /// The lowest and the highest number there is.
    Lowest,
    Highest,
}

/// A case: its steps, in order.
pub(crate) fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    vec(step(), most / 2..=most)
}

fn step() -> impl Strategy<Value = Step> {
    let publish = (0..NODES, vec(item(), 1..=5));
    let read = (0..NODES, 0..TOPICS, after(), 0_usize..=10);
    prop_oneof![
        2 => publish.prop_map(|(node, items)| Step::Publish { node, items }),
        3 => read.prop_map(|(node, topic, after, limit)| Step::Read { node, topic, after, limit }),
    ]
}

fn item() -> impl Strategy<Value = Item> {
    let most = BOUNDS.max_bytes;
    let size = prop_oneof![
        10 => 0_usize..100,
        6 => 0..=most / 2,
        2 => select(vec![0, most / 8, most / 4, most / 2]),
        1 => select(vec![most, most + 1]),
    ];
    let key = weighted(0.3, 0_u8..6);
    let log = prop_oneof![5 => Just(true), 1 => Just(false)];
    (0..TOPICS, size, key, log).prop_map(|(topic, size, key, log)| Item {
        topic,
        size,
        key,
        log,
    })
}

fn after() -> impl Strategy<Value = After> {
    prop_oneof![
        3 => Just(After::Start),
        5 => any::<Index>().prop_map(After::Given),
        5 => (0_usize..9).prop_map(After::Recent),
        1 => (any::<Index>(), any::<bool>()).prop_map(|(index, up)| After::Beside(index, up)),
        1 => any::<Index>().prop_map(After::Elsewhere),
        1 => prop_oneof![Just(After::Beyond), Just(After::Lowest), Just(After::Highest)],
    ]
}
