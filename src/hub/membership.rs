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

use mesahub_broker::{Position, Topic};
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use crate::hub::connection::Connection;
use crate::hub::gate::Snapshot;
use crate::hub::listener::Listener;
use crate::hub::standing::{Interest, Waiting};
use crate::hub::trail::Trail;

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

/// Resolves when the broker delivers, with where the topic's log ended before it did, if the topic
/// has one.
pub(crate) type Waiter = oneshot::Receiver<Answer>;

pub(crate) type Answer = Result<Option<Position>, SubscribeFailed>;

/// How a connection joins a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joining {
    /// For whatever comes.
    Plain,
    /// A log keeps the topic, so what is missed can be made up for.
    Following,
    /// The same, and what the log keeps is held back until whoever has this number opens the gate.
    Held(u64),
}

/// A connection has joined.
pub(crate) struct Joined {
    /// Set while the broker does not deliver yet.
    pub(crate) waiter: Option<Waiter>,
    /// Everything that follows this position reaches the member, if it is known already.
    pub(crate) position: Option<Position>,
}

/// Who is given what comes now.
#[derive(Default)]
pub(crate) struct Audience {
    pub(crate) members: Members,
    pub(crate) listeners: Vec<Listener>,
    /// Those of the members who are not given everything.
    pub(crate) gates: Option<Snapshot>,
}

#[derive(Default)]
struct Entry {
    members: Members,
    listeners: Vec<Listener>,
    interest: Interest,
    /// Only where a log keeps the topic.
    trail: Option<Box<Trail>>,
    /// The broker says that it delivers, and does not.
    silent: bool,
}

/// What the interest task has to do about one topic.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Where a log keeps the topic, its end has to be known first.
    Subscribe {
        logged: bool,
    },
    Unsubscribe,
    /// Both, one after the other.
    Renew,
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

    /// Adds a member, unless it is one. The waiter, if there is one, resolves when the broker
    /// delivers the topic, or when it has refused: the members that waited are then no members any
    /// more.
    pub(crate) fn join(
        &self,
        topic: &Topic,
        connection: &Arc<Connection>,
        joining: Joining,
    ) -> Joined {
        let mut shard = self.shard(topic).lock();
        let entry = shard.entry(topic.clone()).or_default();
        let members = Arc::make_mut(&mut entry.members);
        let serial = connection.serial();
        if let Err(place) = members.binary_search_by_key(&serial, |member| member.serial()) {
            members.insert(place, Arc::clone(connection));
        }
        if joining != Joining::Plain {
            entry.trail.get_or_insert_default();
        }
        let position = entry.trail.as_ref().and_then(|trail| trail.last());
        if let (Joining::Held(by), Some(trail)) = (joining, &mut entry.trail) {
            trail.close(serial, by);
        }
        let waiter = self.want(topic, entry);
        Joined { waiter, position }
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
        if let Some(trail) = &mut entry.trail {
            trail.gates().forget(serial);
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

    /// Takes out of a run of deliveries what is not to be handed on now, and says who is given the
    /// rest; nothing while members are just being told of a loss. `mends` is the number of whoever
    /// has read the run from the log to make up for what was missed.
    pub(crate) fn hand_on<M>(
        &self,
        topic: &Topic,
        run: &mut Vec<M>,
        position: impl Fn(&M) -> Option<Position>,
        mends: Option<u64>,
    ) -> Option<Audience> {
        let mut shard = self.shard(topic).lock();
        let Some(entry) = shard.get_mut(topic) else {
            return Some(Audience::default());
        };
        if entry.trail.as_ref().is_some_and(|trail| trail.is_telling()) {
            return None;
        }
        if entry.trail.is_none() && run.iter().any(|one| position(one).is_some()) {
            entry.trail = Some(Box::default());
        }
        let mut gates = None;
        if let Some(trail) = &mut entry.trail {
            gates = trail.watched();
            run.retain(|one| match (position(one), mends) {
                (None, _) => true,
                (Some(position), Some(number)) => trail.make_up(number, position),
                (Some(position), None) => trail.pass(position),
            });
        }
        Some(Audience {
            members: Arc::clone(&entry.members),
            listeners: entry.listeners.clone(),
            gates,
        })
    }

    /// Looks at the trail of a topic; `None` where there is none.
    pub(crate) fn trail<R>(&self, topic: &Topic, look: impl FnOnce(&mut Trail) -> R) -> Option<R> {
        let mut shard = self.shard(topic).lock();
        let entry = shard.get_mut(topic)?;
        entry.trail.as_deref_mut().map(look)
    }

    /// Looks at every trail, and gives what `look` found.
    pub(crate) fn trails<R>(
        &self,
        mut look: impl FnMut(&Topic, &mut Trail) -> Option<R>,
    ) -> Vec<R> {
        let mut found = Vec::new();
        for shard in &self.shards {
            for (topic, entry) in &mut *shard.lock() {
                if let (false, Some(trail)) = (entry.is_empty(), &mut entry.trail) {
                    found.extend(look(topic, trail));
                }
            }
        }
        found
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
                entry.interest = Interest::Unsure(Waiting::default());
                entry.silent = false;
                if let Some(trail) = &mut entry.trail {
                    trail.interrupt();
                }
                Need::Unsubscribe
            }
            (Interest::Live, false) if entry.silent => {
                entry.interest = Interest::Unsure(Waiting::default());
                Need::Renew
            }
            (Interest::Unsure(_), false) if entry.silent => Need::Renew,
            (Interest::Wanted(waiting) | Interest::Unsure(waiting), false) => {
                entry.interest = Interest::Unsure(std::mem::take(waiting));
                Need::Subscribe {
                    logged: entry.trail.is_some(),
                }
            }
            (Interest::Live | Interest::None, false) => Need::Nothing,
        }
    }

    /// The topic's log ends here, and the broker does not deliver yet.
    pub(crate) fn begins(&self, topic: &Topic, at: Position) {
        let mut shard = self.shard(topic).lock();
        let Some(entry) = shard.get_mut(topic) else {
            return;
        };
        if let (Interest::Wanted(waiting) | Interest::Unsure(waiting), Some(trail)) =
            (&mut entry.interest, &mut entry.trail)
        {
            waiting.from = Some(at);
            trail.advance(at);
        }
    }

    /// The broker is to be asked again to deliver the topic: it has stopped without a word.
    pub(crate) fn renew(&self, topic: &Topic) {
        if let Some(entry) = self.shard(topic).lock().get_mut(topic) {
            entry.silent = true;
            self.mark(topic);
        }
    }

    /// It has been asked again, and delivers.
    pub(crate) fn renewed(&self, topic: &Topic) {
        if let Some(entry) = self.shard(topic).lock().get_mut(topic) {
            entry.silent = false;
        }
        self.subscribed(topic);
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
        entry.trail = None;
        entry.silent = false;
        let before = std::mem::replace(&mut entry.interest, Interest::Unsure(Waiting::default()));
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
                if waiting.joins.is_empty() {
                    self.mark(topic);
                }
                waiting.joins.push(sender);
            }
            none @ Interest::None => {
                *none = Interest::Wanted(Waiting {
                    joins: vec![sender],
                    from: None,
                });
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
