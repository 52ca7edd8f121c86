//! Who listens to each topic.

use std::{collections::HashMap, slice, sync::Arc};

use mesahub_broker::{Inbox, Topic};

/// One node of the network.
pub(crate) struct Node {
    /// Unlike any other's; also the order in which room in several inboxes is taken.
    pub(crate) id: u64,
    pub(crate) inbox: Inbox,
}

/// The nodes that listen to each topic. A topic nobody listens to has no entry.
#[derive(Default)]
pub(crate) struct Subscriptions {
    by_topic: HashMap<Topic, Subscribers>,
}

/// Most topics have a single node, which then costs no list.
enum Subscribers {
    One(Arc<Node>),
    Many(Vec<Arc<Node>>),
}

impl Subscriptions {
    /// The nodes listening to a topic, in the order of their ids.
    pub(crate) fn of(&self, topic: &Topic) -> &[Arc<Node>] {
        match self.by_topic.get(topic) {
            None => &[],
            Some(Subscribers::One(node)) => slice::from_ref(node),
            Some(Subscribers::Many(nodes)) => nodes,
        }
    }

    pub(crate) fn insert(&mut self, topic: &Topic, node: &Arc<Node>) {
        match self.by_topic.get_mut(topic) {
            None => {
                let one = Subscribers::One(Arc::clone(node));
                self.by_topic.insert(topic.clone(), one);
            }
            Some(subscribers) => subscribers.insert(node),
        }
    }

    pub(crate) fn remove(&mut self, topic: &Topic, id: u64) {
        let last = self
            .by_topic
            .get_mut(topic)
            .is_some_and(|subscribers| subscribers.remove(id));
        if last {
            self.by_topic.remove(topic);
            self.shrink();
        }
    }

    /// Takes a node out of every topic.
    pub(crate) fn remove_everywhere(&mut self, id: u64) {
        self.by_topic
            .retain(|_, subscribers| !subscribers.remove(id));
        self.shrink();
    }

    /// Gives memory back after a crowd has left.
    fn shrink(&mut self) {
        if self.by_topic.capacity() > 64 && self.by_topic.len() < self.by_topic.capacity() / 8 {
            self.by_topic.shrink_to(self.by_topic.len() * 2);
        }
    }
}

impl Subscribers {
    fn insert(&mut self, node: &Arc<Node>) {
        match self {
            Self::One(present) if present.id == node.id => {}
            Self::One(present) => {
                let mut both = vec![Arc::clone(present), Arc::clone(node)];
                both.sort_unstable_by_key(|node| node.id);
                *self = Self::Many(both);
            }
            Self::Many(nodes) => {
                if let Err(place) = nodes.binary_search_by_key(&node.id, |node| node.id) {
                    nodes.insert(place, Arc::clone(node));
                }
            }
        }
    }

    /// Takes a node out; says whether none is left.
    fn remove(&mut self, id: u64) -> bool {
        match self {
            Self::One(present) => present.id == id,
            Self::Many(nodes) => {
                nodes.retain(|node| node.id != id);
                if let [one] = nodes.as_slice() {
                    *self = Self::One(Arc::clone(one));
                    return false;
                }
                nodes.is_empty()
            }
        }
    }
}
