//! What the nodes of one process share: the part a server plays for other backends.

use std::{
    array,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use mesahub_broker::{
    BrokerError, Inbox, LogPage, MAX_PAYLOAD, Position, Publication, Published, Slot, Topic,
};
use parking_lot::{Mutex, MutexGuard};

use crate::{
    config::MemoryConfig,
    logs::Logs,
    subscriptions::{Node, Subscriptions},
};

/// Locks of one network; topics are spread over them.
const SHARDS: usize = 64;

/// A backplane inside one process. A clone is the same network.
#[derive(Clone)]
pub struct MemoryNetwork {
    shared: Arc<Shared>,
}

struct Shared {
    config: MemoryConfig,
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    nodes: AtomicU64,
    /// The newest generation given to a log. It starts from the clock, so that a position from
    /// before a restart of the process is recognised as foreign.
    generation: AtomicU64,
}

/// What one lock guards: all there is of a share of the topics.
struct Shard {
    subscriptions: Subscriptions,
    logs: Logs,
}

impl MemoryNetwork {
    /// A network of its own, without nodes yet.
    #[must_use]
    pub fn new(config: MemoryConfig) -> Self {
        let origin = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_micros() as u64);
        Self {
            shared: Arc::new(Shared {
                config,
                shards: array::from_fn(|_| Mutex::new(Shard::new(origin))),
                hasher: RandomState::new(),
                nodes: AtomicU64::new(0),
                generation: AtomicU64::new(origin),
            }),
        }
    }

    pub(crate) fn node(&self, inbox: Inbox) -> Arc<Node> {
        let id = self.shared.nodes.fetch_add(1, Ordering::Relaxed);
        Arc::new(Node { id, inbox })
    }

    /// Publishes one item. When it is dropped while it waits for room, nothing was published.
    pub(crate) async fn publish(&self, publication: Publication) -> Result<Published, BrokerError> {
        let size = publication.payload.len();
        if size > MAX_PAYLOAD {
            let max = MAX_PAYLOAD;
            return Err(BrokerError::TooLarge { size, max });
        }
        if let Some(published) = self.try_publish(&publication, Vec::new()) {
            return Ok(published);
        }
        loop {
            let nodes = self
                .shard(&publication.topic)
                .subscriptions
                .of(&publication.topic)
                .to_vec();
            // Room is taken in the order of ids by everyone, so that two publishers never hold
            // what the other waits for.
            let mut held = Vec::with_capacity(nodes.len());
            for node in &nodes {
                if let Ok(slot) = node.inbox.reserve(&publication.topic).await {
                    held.push((node.id, slot));
                }
            }
            if let Some(published) = self.try_publish(&publication, held) {
                return Ok(published);
            }
        }
    }

    /// Appends to the log and fills a slot per node, all at one moment; or does nothing when a
    /// node has no room and no slot is held for it. What has come before needs no room.
    fn try_publish<'held>(
        &self,
        publication: &Publication,
        mut held: Vec<(u64, Slot<'held>)>,
    ) -> Option<Published> {
        let Publication {
            topic,
            payload,
            log,
            once,
        } = publication;
        let mut guard = self.shard(topic);
        let Shard {
            subscriptions,
            logs,
        } = &mut *guard;
        let bounds = &self.shared.config.log;

        let once = once.filter(|_| *log);
        if let Some(position) = once.and_then(|key| logs.taken(topic, key, bounds)) {
            return Some(Published {
                position: Some(position),
                duplicate: true,
            });
        }
        let nodes = subscriptions.of(topic);
        let mut slots = Vec::with_capacity(nodes.len());
        for node in nodes {
            let taken = held.iter().position(|(id, _)| *id == node.id);
            if let Some(place) = taken {
                slots.push(held.swap_remove(place).1);
            } else if let Ok(slot) = node.inbox.try_reserve(topic) {
                slots.push(slot?);
            }
        }

        let position = log.then(|| {
            logs.append(topic, payload.clone(), once, bounds, || {
                self.shared.generation.fetch_add(1, Ordering::Relaxed) + 1
            })
        });
        for slot in slots {
            slot.deliver(payload.clone(), position);
        }
        Some(Published {
            position,
            duplicate: false,
        })
    }

    pub(crate) fn subscribe(&self, topics: &[Topic], node: &Arc<Node>) {
        for topic in topics {
            self.shard(topic).subscriptions.insert(topic, node);
        }
    }

    pub(crate) fn unsubscribe(&self, topics: &[Topic], node: &Node) {
        for topic in topics {
            self.shard(topic).subscriptions.remove(topic, node.id);
        }
    }

    /// Takes a node out of every topic.
    pub(crate) fn leave(&self, node: &Node) {
        for shard in &self.shared.shards {
            shard.lock().subscriptions.remove_everywhere(node.id);
        }
    }

    pub(crate) fn subscriber_count(&self, topic: &Topic) -> u64 {
        self.shard(topic).subscriptions.of(topic).len() as u64
    }

    pub(crate) fn read_log(
        &self,
        topic: &Topic,
        after: Option<Position>,
        limit: usize,
    ) -> Result<LogPage, BrokerError> {
        let mut shard = self.shard(topic);
        let newest = self.shared.generation.load(Ordering::Relaxed);
        let bounds = &self.shared.config.log;
        shard.logs.read(topic, after, limit, bounds, newest)
    }

    fn shard(&self, topic: &Topic) -> MutexGuard<'_, Shard> {
        let hash = self.shared.hasher.hash_one(topic);
        self.shared.shards[hash as usize % SHARDS].lock()
    }
}

impl Shard {
    fn new(origin: u64) -> Self {
        Self {
            subscriptions: Subscriptions::default(),
            logs: Logs::new(origin),
        }
    }
}
