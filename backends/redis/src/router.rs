//! Which node of a cluster a subscription is on: one task in front of a link for each primary.
//!
//! ```text
//!   broker ── subscribe, unsubscribe ──► router ──► link to a primary ──► inbox
//!   topology ── who has what now ──────►   ├──────► link to a primary ──► inbox
//!   links ── what a node gave up ──────►   └──────► link to a primary ──► inbox
//! ```
//!
//! A partition is at one place with all that is wanted of it. When its node gives it up, or
//! another has it now, everything wanted of it is subscribed where it is now, and a gap in those
//! topics follows. A link that lost its connection and finds the partitions where they were heals
//! by itself, as with a single server.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use mesahub_broker::{BrokerError, Gap, GapScope, Inbox, Topic};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Address, RedisConfig};
use crate::link::{Change, Request};
use crate::links::Links;
use crate::partition::Partition;
use crate::topology::Atlas;

/// The task.
pub(crate) struct Router {
    inbox: Inbox,
    requests: mpsc::Receiver<Request>,
    atlas: Atlas,
    stop: CancellationToken,
    links: Links,
    /// What a node does not have, or no longer.
    reported: mpsc::Receiver<(Address, Topic)>,
    /// What is wanted, each with the number of the request that wanted it last.
    wanted: BTreeMap<Partition, HashMap<Topic, u64>>,
    /// Where it was subscribed, or is being.
    placed: HashMap<Partition, Address>,
    next_request: u64,
    settling: JoinSet<Settled>,
}

/// What the links have answered.
enum Settled {
    /// A request, which is answered; what was refused of it is not wanted.
    Request { refused: Vec<Topic>, number: u64 },
    /// What was wanted of these partitions, at a new place.
    Moved {
        partitions: Vec<Partition>,
        to: Address,
        outcome: Result<(), BrokerError>,
    },
}

impl Router {
    pub(crate) fn new(
        config: Arc<RedisConfig>,
        inbox: Inbox,
        requests: mpsc::Receiver<Request>,
        atlas: Atlas,
        stop: CancellationToken,
        tasks: TaskTracker,
    ) -> Self {
        let (links, reported) =
            Links::new(config, inbox.clone(), atlas.clone(), stop.clone(), tasks);
        Self {
            inbox,
            requests,
            atlas,
            stop,
            links,
            reported,
            wanted: BTreeMap::new(),
            placed: HashMap::new(),
            next_request: 0,
            settling: JoinSet::new(),
        }
    }

    /// Serves until told to stop. It waits for no link, only for room in the inbox.
    pub(crate) async fn run(mut self) {
        let stop = self.stop.clone();
        let serving = async {
            loop {
                tokio::select! {
                    Some(request) = self.requests.recv() => self.serve(request),
                    Some((at, topic)) = self.reported.recv() => {
                        let partition = Partition::of(&topic);
                        if self.placed.get(&partition) == Some(&at) {
                            self.placed.remove(&partition);
                            self.atlas.doubt();
                        }
                    }
                    Ok(()) = self.atlas.known.changed() => self.follow(),
                    Some(Ok(settled)) = self.settling.join_next() => self.settle(settled).await,
                    else => std::future::pending().await,
                }
            }
        };
        stop.run_until_cancelled(serving).await;
    }

    fn serve(&mut self, request: Request) {
        let Request {
            change,
            topics,
            answer,
        } = request;
        let number = self.next_request;
        self.next_request += 1;
        let mut shares: HashMap<Address, Vec<Topic>> = HashMap::new();
        for topic in &topics {
            let partition = Partition::of(topic);
            match (self.place(partition), change) {
                (Some(place), _) => shares.entry(place).or_default().push(topic.clone()),
                (None, Change::Unsubscribe) => {}
                (None, Change::Subscribe) => {
                    self.atlas.doubt();
                    let text = "a part of the topics is on its way to another node";
                    let _ = answer.send(Err(BrokerError::unavailable(text)));
                    return;
                }
            }
        }
        for topic in &topics {
            let wanted = self.wanted.entry(Partition::of(topic)).or_default();
            match change {
                Change::Subscribe => drop(wanted.insert(topic.clone(), number)),
                Change::Unsubscribe => drop(wanted.remove(topic)),
            }
        }
        let shares: Vec<_> = shares
            .into_iter()
            .map(|(at, topics)| self.links.send(&at, change, topics))
            .collect();
        self.settling.spawn(async move {
            let mut outcome = Ok(());
            for share in shares {
                outcome = outcome.and(share.await);
            }
            let refused = match (change, &outcome) {
                (Change::Subscribe, Err(_)) => topics,
                _ => Vec::new(),
            };
            let _ = answer.send(outcome);
            Settled::Request { refused, number }
        });
    }

    /// Where a partition is; one of which nothing is wanted goes where it belongs now.
    fn place(&mut self, partition: Partition) -> Option<Address> {
        let is_wanted = |wanted: &HashMap<Topic, u64>| !wanted.is_empty();
        if !self.wanted.get(&partition).is_some_and(is_wanted) {
            let owner = self.atlas.known.borrow().owner(partition).cloned()?;
            self.placed.insert(partition, owner);
        }
        self.placed.get(&partition).cloned()
    }

    /// Moves what is no longer where it was.
    fn follow(&mut self) {
        let topology = Arc::clone(&self.atlas.known.borrow_and_update());
        let mut moves: BTreeMap<Address, Vec<Partition>> = BTreeMap::new();
        let mut left: HashMap<Address, Vec<Topic>> = HashMap::new();
        for (partition, wanted) in &self.wanted {
            let (before, now) = (self.placed.get(partition), topology.owner(*partition));
            if wanted.is_empty() || before == now {
                continue;
            }
            if let Some(before) = before {
                let topics = left.entry(before.clone()).or_default();
                topics.extend(wanted.keys().cloned());
            }
            match now {
                Some(now) => moves.entry(now.clone()).or_default().push(*partition),
                None => drop(self.placed.remove(partition)),
            }
        }
        for (at, topics) in left {
            drop(self.links.send(&at, Change::Unsubscribe, topics));
        }
        self.links.keep_only(&topology.nodes());
        for (to, partitions) in moves {
            let mut topics = Vec::new();
            for partition in &partitions {
                self.placed.insert(*partition, to.clone());
                topics.extend(self.wanted_of(*partition));
            }
            let moved = self.links.send(&to, Change::Subscribe, topics);
            self.settling.spawn(async move {
                let outcome = moved.await;
                Settled::Moved {
                    partitions,
                    to,
                    outcome,
                }
            });
        }
    }

    async fn settle(&mut self, settled: Settled) {
        match settled {
            Settled::Request { refused, number } => {
                for topic in refused {
                    if let Some(wanted) = self.wanted.get_mut(&Partition::of(&topic))
                        && wanted.get(&topic) == Some(&number)
                    {
                        wanted.remove(&topic);
                    }
                }
            }
            Settled::Moved {
                mut partitions,
                to,
                outcome,
            } => {
                partitions.retain(|partition| self.placed.get(partition) == Some(&to));
                if let Err(error) = outcome {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, node = %to, "subscriptions could not be moved yet");
                    let mut topics = Vec::new();
                    for partition in &partitions {
                        self.placed.remove(partition);
                        topics.extend(self.wanted_of(*partition));
                    }
                    // A part of them may be there.
                    drop(self.links.send(&to, Change::Unsubscribe, topics));
                    self.atlas.doubt();
                    return;
                }
                let topics = partitions.into_iter();
                let topics = topics.flat_map(|partition| self.wanted_of(partition));
                let topics = GapScope::Topics(topics.collect());
                // Whoever no longer reads its shard misses nothing.
                let _ = self.inbox.gap(Gap { topics }).await;
            }
        }
    }

    fn wanted_of(&self, partition: Partition) -> Vec<Topic> {
        let wanted = self.wanted.get(&partition);
        wanted.map_or_else(Vec::new, |wanted| wanted.keys().cloned().collect())
    }
}
