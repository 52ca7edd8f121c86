//! The topics this node listens to.

use std::collections::HashSet;

use mesahub_broker::Topic;
use parking_lot::RwLock;
use tokio::sync::{RwLock as Gate, RwLockReadGuard};

/// The topics, and the connection for which they are true.
#[derive(Debug, Default)]
pub(crate) struct Table {
    listening: RwLock<Listening>,
    /// Held for reading while a delivery is handed over, and for writing while a topic is taken
    /// back: so nothing of it is handed over afterwards.
    gate: Gate<()>,
}

#[derive(Debug, Default)]
struct Listening {
    session: u64,
    topics: HashSet<Topic>,
}

/// A topic that stays in the table for as long as this lives.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    pub(crate) topic: Topic,
    _gate: RwLockReadGuard<'a, ()>,
}

impl Table {
    /// A connection begins: the topics that it has to restore. From now on, only topics that it
    /// has bound are added.
    pub(crate) fn begin(&self, session: u64) -> Vec<Topic> {
        let mut listening = self.listening.write();
        listening.session = session;
        listening.topics.iter().cloned().collect()
    }

    /// Adds topics that a connection has bound. False when it is no longer the one.
    pub(crate) fn add(&self, session: u64, topics: &[Topic]) -> bool {
        let mut listening = self.listening.write();
        if listening.session != session {
            return false;
        }
        listening.topics.extend(topics.iter().cloned());
        true
    }

    /// Takes topics out, behind what is being handed over.
    pub(crate) async fn remove(&self, topics: &[Topic]) {
        let _gate = self.gate.write().await;
        let mut listening = self.listening.write();
        for topic in topics {
            listening.topics.remove(topic);
        }
    }

    pub(crate) fn contains(&self, topic: &str) -> bool {
        self.listening.read().topics.contains(topic)
    }

    /// The topic of this name, if it is in the table.
    pub(crate) async fn hold(&self, topic: &str) -> Option<Held<'_>> {
        if !self.contains(topic) {
            return None;
        }
        let gate = self.gate.read().await;
        let topic = self.listening.read().topics.get(topic)?.clone();
        Some(Held { topic, _gate: gate })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::pin::pin;

    use futures_util::poll;

    use super::{Table, Topic};

    #[tokio::test]
    async fn a_topic_is_taken_out_behind_the_delivery_that_holds_it() {
        let table = Table::default();
        let topics = [Topic::new("a").unwrap()];
        assert!(table.add(0, &topics));
        let held = table.hold("a").await.unwrap();
        let mut removing = pin!(table.remove(&topics));
        assert!(poll!(removing.as_mut()).is_pending());
        drop(held);
        removing.await;
        assert!(table.hold("a").await.is_none());
    }

    #[test]
    fn a_connection_that_was_replaced_adds_nothing() {
        let table = Table::default();
        let topics = [Topic::new("a").unwrap()];
        assert!(table.begin(1).is_empty());
        assert!(!table.add(0, &topics));
        assert!(table.add(1, &topics));
        assert_eq!(table.begin(2), topics);
    }
}
