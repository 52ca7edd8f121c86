//! The one way in for what a backend receives.
//!
//! ```text
//!  backend ─▶ Inbox ─ hash of the topic ─┬─▶ queue ─▶ InboxShard ─▶ a worker of the hub
//!                                        ├─▶ queue ─▶ InboxShard ─▶ a worker of the hub
//!                                        └─▶ queue ─▶ InboxShard ─▶ a worker of the hub
//! ```
//!
//! A topic always takes the same queue, so order holds within a topic and nothing else is
//! serialised.
//!
//! Overflow policy: **wait**. The backend's reader waits for room. The workers never wait for a
//! client, so a full queue lasts for as long as they need the processor and no longer.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::sync::{
    Semaphore,
    mpsc::{self, Permit, Receiver, Sender, error::TrySendError},
};

use crate::{Delivery, Gap, GapScope, Inbound, Position, Topic};

/// The backend's end: what it receives goes in here. A clone is the same inbox.
#[derive(Debug, Clone)]
pub struct Inbox {
    queues: Arc<[Sender<Inbound>]>,
    spread: Spread,
}

/// The hub's end of one queue, which carries a share of the topics.
///
/// It ends when every [`Inbox`] is gone and the queue is drained.
#[derive(Debug)]
pub struct InboxShard {
    queue: Receiver<Inbound>,
    place: usize,
    spread: Spread,
}

/// Which queue carries a topic.
#[derive(Debug, Clone)]
struct Spread {
    queues: usize,
    hasher: RandomState,
}

/// Room for one delivery of one topic, taken in advance. Dropping it gives the room back.
#[derive(Debug)]
pub struct Slot<'inbox> {
    permit: Permit<'inbox, Inbound>,
    topic: Topic,
}

/// The shard that would read this is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nobody reads the inbox")]
pub struct InboxClosed;

impl Inbox {
    /// An inbox of `shards` queues with room for `capacity_per_shard` deliveries each, and their
    /// other ends. Zero counts as one for both.
    #[must_use]
    pub fn new(shards: usize, capacity_per_shard: usize) -> (Self, Vec<InboxShard>) {
        let capacity = capacity_per_shard.clamp(1, Semaphore::MAX_PERMITS);
        let spread = Spread {
            queues: shards.max(1),
            hasher: RandomState::new(),
        };
        let (queues, shards): (Vec<_>, Vec<_>) = (0..spread.queues)
            .map(|place| {
                let (sender, queue) = mpsc::channel(capacity);
                let spread = spread.clone();
                (
                    sender,
                    InboxShard {
                        queue,
                        place,
                        spread,
                    },
                )
            })
            .unzip();
        let inbox = Self {
            queues: queues.into(),
            spread,
        };
        (inbox, shards)
    }

    /// Hands a delivery over, waiting for room. When the future is dropped while it waits, nothing
    /// was handed over.
    ///
    /// # Errors
    /// At once when the topic's shard has been dropped.
    pub async fn deliver(&self, delivery: Delivery) -> Result<(), InboxClosed> {
        let queue = self.queue(&delivery.topic);
        send(queue, Inbound::Delivery(delivery)).await
    }

    /// Hands deliveries over one after the other, waiting for room. When the future is dropped, a
    /// first part of them was handed over.
    ///
    /// # Errors
    /// When a topic's shard has been dropped: at the end when others still read, and at once when
    /// none does.
    pub async fn deliver_all(
        &self,
        deliveries: impl IntoIterator<Item = Delivery>,
    ) -> Result<(), InboxClosed> {
        let mut outcome = Ok(());
        for delivery in deliveries {
            if self.deliver(delivery).await.is_err() {
                outcome = Err(InboxClosed);
                if self.is_closed() {
                    break;
                }
            }
        }
        outcome
    }

    /// Tells of a gap on every shard that carries one of its topics, behind the deliveries made
    /// before and ahead of those made after. Waits for room. When the future is dropped, a part of
    /// the shards was told.
    ///
    /// # Errors
    /// When a shard concerned has been dropped; the others are told all the same.
    pub async fn gap(&self, gap: Gap) -> Result<(), InboxClosed> {
        let mut outcome = Ok(());
        for (queue, gap) in self.share(gap) {
            outcome = outcome.and(send(queue, Inbound::Gap(gap)).await);
        }
        outcome
    }

    /// Takes room for a delivery of this topic, waiting for it.
    ///
    /// For a backend that must put one message into several inboxes at one moment: take room in
    /// each, then fill all of it without waiting.
    ///
    /// # Errors
    /// When the topic's shard has been dropped.
    pub async fn reserve(&self, topic: &Topic) -> Result<Slot<'_>, InboxClosed> {
        let permit = self.queue(topic).reserve().await.map_err(|_| InboxClosed)?;
        Ok(Slot {
            permit,
            topic: topic.clone(),
        })
    }

    /// Takes room for a delivery of this topic, if there is some now. Others that already wait for
    /// room come first.
    ///
    /// # Errors
    /// When the topic's shard has been dropped.
    pub fn try_reserve(&self, topic: &Topic) -> Result<Option<Slot<'_>>, InboxClosed> {
        match self.queue(topic).try_reserve() {
            Ok(permit) => Ok(Some(Slot {
                permit,
                topic: topic.clone(),
            })),
            Err(TrySendError::Full(())) => Ok(None),
            Err(TrySendError::Closed(())) => Err(InboxClosed),
        }
    }

    /// Whether every shard has been dropped.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.queues.iter().all(Sender::is_closed)
    }

    fn queue(&self, topic: &Topic) -> &Sender<Inbound> {
        &self.queues[self.spread.place(topic)]
    }

    /// Each queue concerned, with its share of the gap.
    fn share(&self, gap: Gap) -> Vec<(&Sender<Inbound>, Gap)> {
        let GapScope::Topics(topics) = gap.topics else {
            return self.queues.iter().map(|q| (q, gap.clone())).collect();
        };
        let mut shares = vec![Vec::new(); self.queues.len()];
        for topic in topics {
            shares[self.spread.place(&topic)].push(topic);
        }
        self.queues
            .iter()
            .zip(shares)
            .filter(|(_, topics)| !topics.is_empty())
            .map(|(queue, topics)| {
                let topics = GapScope::Topics(topics);
                (queue, Gap { topics })
            })
            .collect()
    }
}

impl InboxShard {
    /// The next delivery or gap; `None` when every [`Inbox`] is gone and the queue is empty. When
    /// the future is dropped, nothing is lost.
    pub async fn recv(&mut self) -> Option<Inbound> {
        self.queue.recv().await
    }

    /// Waits for the next and appends it, with whatever else is there up to `max`, to `buf`; says
    /// how many. Zero means that the inbox has ended, or that `max` is zero. When the future is
    /// dropped, nothing is lost.
    pub async fn recv_many(&mut self, buf: &mut Vec<Inbound>, max: usize) -> usize {
        self.queue.recv_many(buf, max).await
    }

    /// Whether this shard carries the topic: what is said of every topic, as a gap may be, means
    /// for this shard those that it carries.
    #[must_use]
    pub fn carries(&self, topic: &Topic) -> bool {
        self.spread.place(topic) == self.place
    }

    /// [`recv`](Self::recv) for hand-written futures: the task is woken when there is more.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Inbound>> {
        self.queue.poll_recv(cx)
    }
}

impl Spread {
    fn place(&self, topic: &Topic) -> usize {
        match self.queues {
            1 => 0,
            queues => (self.hasher.hash_one(topic) % queues as u64) as usize,
        }
    }
}

impl Slot<'_> {
    /// Hands over a delivery of the topic the room was taken for.
    pub fn deliver(self, payload: Bytes, position: Option<Position>) {
        self.permit.send(Inbound::Delivery(Delivery {
            topic: self.topic,
            payload,
            position,
        }));
    }
}

async fn send(queue: &Sender<Inbound>, inbound: Inbound) -> Result<(), InboxClosed> {
    queue.send(inbound).await.map_err(|_| InboxClosed)
}
