//! Who is in which topic on this node, and which topics the broker must deliver.
//!
//! ```text
//!   join, leave ──► table (sharded, locked for moments) ──► changed topics
//!                                                              │ one task, in batches
//!                                            broker.subscribe / unsubscribe
//! ```
//!
//! A single task owns the broker's view, and always compares it with the table as it is *now*: a
//! leave and a join can race as they like, the last state wins. A join to a topic that the broker
//! already delivers never waits.
//!
//! A call that failed may have been acted on all the same. Such a topic is *unsure*: whoever joins
//! waits until the broker has said yes, and a topic that nobody needs is given up until the broker
//! has said yes to that.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mesahub_broker::Topic;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use crate::hub::connection::Connection;
use crate::hub::listener::Listener;

const SHARDS: usize = 64;

/// The members of a topic at one moment, sorted by age. Cheap to clone.
pub(crate) type Members = Arc<Vec<Arc<Connection>>>;

/// The node's table of topics.
pub(crate) struct Membership {
    shards: Box<[Mutex<HashMap<Topic, Entry>>]>,
    hasher: RandomState,
    changed: Mutex<Vec<Topic>>,
    wake: Notify,
    /// Nobody tells the broker anything any more, so nobody waits for it either.
    closed: AtomicBool,
}

/// The broker could not be told of an interest; the join was taken back.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the backplane could not subscribe: {0}")]
pub struct SubscribeFailed(pub(crate) Arc<mesahub_broker::BrokerError>);

pub(crate) type Waiter = oneshot::Receiver<Result<(), SubscribeFailed>>;

#[derive(Default)]
struct Entry {
    members: Members,
    listeners: Vec<Listener>,
    interest: Interest,
}

#[derive(Default)]
enum Interest {
    /// The broker does not deliver, and nothing has been asked of it.
    #[default]
    None,
    /// The broker does not deliver yet, and these joins wait for it.
    Wanted(Vec<Joining>),
    /// A call is on its way or has failed: the broker may deliver or not. These joins wait.
    Unsure(Vec<Joining>),
    /// The broker delivers.
    Live,
}

/// A join that waits.
type Joining = oneshot::Sender<Result<(), SubscribeFailed>>;

/// What the interest task has to do about one topic.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Subscribe,
    Unsubscribe,
    Nothing,
}

impl Membership {
    pub(crate) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            changed: Mutex::default(),
            wake: Notify::new(),
            closed: AtomicBool::new(false),
        }
    }

    /// Adds a member, unless it is one. `Some` waiter resolves when the broker delivers the topic,
    /// or when it has refused: the members that waited are then no members any more.
    pub(crate) fn join(&self, topic: &Topic, connection: &Arc<Connection>) -> Option<Waiter> {
        let mut shard = self.shard(topic).lock();
        let entry = shard.entry(topic.clone()).or_default();
        let members = Arc::make_mut(&mut entry.members);
        let serial = connection.serial();
        if let Err(place) = members.binary_search_by_key(&serial, |member| member.serial()) {
            members.insert(place, Arc::clone(connection));
        }
        self.want(topic, entry)
    }

    /// Removes a member, if it is one.
    pub(crate) fn leave(&self, topic: &Topic, serial: u64) {
        let mut shard = self.shard(topic).lock();
        let Some(entry) = shard.get_mut(topic) else {
            return;
        };
        let members = Arc::make_mut(&mut entry.members);
        if let Ok(place) = members.binary_search_by_key(&serial, |member| member.serial()) {
            members.remove(place);
        }
        if members.len() * 4 < members.capacity() {
            members.shrink_to(members.len() * 2);
        }
        self.mark_if_empty(topic, entry);
    }

    /// Adds an in-process listener.
    pub(crate) fn listen(&self, topic: &Topic, listener: Listener) -> Option<Waiter> {
        let mut shard = self.shard(topic).lock();
        let entry = shard.entry(topic.clone()).or_default();
        entry.listeners.push(listener);
        self.want(topic, entry)
    }

    /// Removes an in-process listener.
    pub(crate) fn unlisten(&self, topic: &Topic, serial: u64) {
        let mut shard = self.shard(topic).lock();
        let Some(entry) = shard.get_mut(topic) else {
            return;
        };
        entry
            .listeners
            .retain(|listener| listener.serial() != serial);
        self.mark_if_empty(topic, entry);
    }

    /// The members and listeners now.
    pub(crate) fn audience(&self, topic: &Topic) -> (Members, Vec<Listener>) {
        let shard = self.shard(topic).lock();
        shard.get(topic).map_or_else(Default::default, |entry| {
            (Arc::clone(&entry.members), entry.listeners.clone())
        })
    }

    /// Whether a connection is a member.
    pub(crate) fn has(&self, topic: &Topic, serial: u64) -> bool {
        let shard = self.shard(topic).lock();
        shard.get(topic).is_some_and(|entry| {
            let by_serial = |member: &Arc<Connection>| member.serial();
            entry
                .members
                .binary_search_by_key(&serial, by_serial)
                .is_ok()
        })
    }

    /// How many members there are on this node.
    pub(crate) fn count(&self, topic: &Topic) -> usize {
        self.shard(topic)
            .lock()
            .get(topic)
            .map_or(0, |entry| entry.members.len())
    }

    /// How many topics the table holds.
    pub(crate) fn topics(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// Waits for changed topics and takes them all. Cancel safe.
    pub(crate) async fn changes(&self) -> Vec<Topic> {
        loop {
            let changed = std::mem::take(&mut *self.changed.lock());
            if !changed.is_empty() {
                return changed;
            }
            self.wake.notified().await;
        }
    }

    /// What the broker has to be told about a topic, which is unsure from now on until the answer
    /// is here; forgets topics that nobody needs.
    pub(crate) fn need(&self, topic: &Topic) -> Need {
        let mut shard = self.shard(topic).lock();
        let Some(entry) = shard.get_mut(topic) else {
            return Need::Nothing;
        };
        let is_empty = entry.is_empty();
        match (&mut entry.interest, is_empty) {
            (Interest::None | Interest::Wanted(_), true) => {
                shard.remove(topic);
                Need::Nothing
            }
            (Interest::Live | Interest::Unsure(_), true) => {
                // Whoever joins from now on waits until the broker delivers again.
                entry.interest = Interest::Unsure(Vec::new());
                Need::Unsubscribe
            }
            (Interest::Wanted(waiting) | Interest::Unsure(waiting), false) => {
                entry.interest = Interest::Unsure(std::mem::take(waiting));
                Need::Subscribe
            }
            (Interest::Live | Interest::None, false) => Need::Nothing,
        }
    }

    /// The broker delivers the topic.
    pub(crate) fn subscribed(&self, topic: &Topic) {
        let mut shard = self.shard(topic).lock();
        let Some(entry) = shard.get_mut(topic) else {
            return;
        };
        let before = std::mem::replace(&mut entry.interest, Interest::Live);
        before.settle(&Ok(()));
        self.mark_if_empty(topic, entry);
    }

    /// The broker could not be told of the topic: whoever waits is a member no more, and is told.
    /// The topic stays unsure.
    pub(crate) fn refused(&self, topic: &Topic, error: &SubscribeFailed) {
        let mut shard = self.shard(topic).lock();
        let Some(entry) = shard.get_mut(topic) else {
            return;
        };
        // Nobody is in a topic that is unsure without waiting for it.
        entry.members = Members::default();
        entry.listeners.clear();
        let before = std::mem::replace(&mut entry.interest, Interest::Unsure(Vec::new()));
        before.settle(&Err(error.clone()));
    }

    /// The broker no longer delivers the topic; who joined meanwhile is subscribed again.
    pub(crate) fn unsubscribed(&self, topic: &Topic) {
        let mut shard = self.shard(topic).lock();
        let Some(entry) = shard.get_mut(topic) else {
            return;
        };
        if entry.is_empty() {
            shard.remove(topic);
        } else if let Interest::Unsure(waiting) = &mut entry.interest {
            entry.interest = Interest::Wanted(std::mem::take(waiting));
            self.mark(topic);
        }
    }

    /// The node stops: whoever waits for the broker goes on, and nobody waits from now on.
    pub(crate) fn close(&self) {
        // Before the first shard is locked: a join sees it there, or is seen.
        self.closed.store(true, Ordering::SeqCst);
        for shard in &self.shards {
            for entry in shard.lock().values_mut() {
                std::mem::take(&mut entry.interest).settle(&Ok(()));
            }
        }
    }

    fn want(&self, topic: &Topic, entry: &mut Entry) -> Option<Waiter> {
        if self.closed.load(Ordering::SeqCst) {
            return None;
        }
        let (sender, waiter) = oneshot::channel();
        match &mut entry.interest {
            Interest::Live => return None,
            Interest::Wanted(waiting) | Interest::Unsure(waiting) => {
                if waiting.is_empty() {
                    self.mark(topic);
                }
                waiting.push(sender);
            }
            none @ Interest::None => {
                *none = Interest::Wanted(vec![sender]);
                self.mark(topic);
            }
        }
        Some(waiter)
    }

    fn mark_if_empty(&self, topic: &Topic, entry: &Entry) {
        if entry.is_empty() {
            self.mark(topic);
        }
    }

    fn mark(&self, topic: &Topic) {
        self.changed.lock().push(topic.clone());
        self.wake.notify_one();
    }

    fn shard(&self, topic: &Topic) -> &Mutex<HashMap<Topic, Entry>> {
        let hash = self.hasher.hash_one(topic);
        &self.shards[usize::try_from(hash % SHARDS as u64).expect("a shard number is small")]
    }
}

impl Entry {
    fn is_empty(&self) -> bool {
        self.members.is_empty() && self.listeners.is_empty()
    }
}

impl Interest {
    /// Tells whoever waits.
    fn settle(self, outcome: &Result<(), SubscribeFailed>) {
        if let Self::Wanted(waiting) | Self::Unsure(waiting) = self {
            for joining in waiting {
                let _ = joining.send(outcome.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mesahub_broker::Topic;

    use super::Membership;
    use crate::hub::listener::Listener;

    #[tokio::test]
    async fn nobody_waits_for_a_broker_that_nobody_tells_anything() {
        let membership = Membership::new();
        let topic = Topic::new("hub:all").unwrap();
        let listener = |serial| Listener::new(serial, Arc::new(|_: &str, _: &bytes::Bytes| {}));
        let before = membership.listen(&topic, listener(1)).unwrap();
        membership.close();
        assert!(before.await.unwrap().is_ok(), "who waited goes on");
        let other = Topic::new("hub:other").unwrap();
        assert!(membership.listen(&other, listener(2)).is_none());
        assert!(membership.listen(&topic, listener(3)).is_none());
    }
}
