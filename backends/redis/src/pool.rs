//! The connections on which commands go out: one, or in a cluster one for each primary.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;
use mesahub_broker::{BrokerError, Topic};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::commands::{self, State};
use crate::config::{Address, RedisConfig};
use crate::partition::Partition;
use crate::primary::Place;
use crate::topology::Atlas;

/// The connections.
#[derive(Debug)]
pub(crate) enum Pool {
    /// One, to whichever server takes writes.
    One(watch::Receiver<State>),
    /// One for each primary.
    Cluster(Arc<Nodes>),
}

/// The connections to a cluster.
#[derive(Debug)]
pub(crate) struct Nodes {
    config: Arc<RedisConfig>,
    atlas: Atlas,
    stop: CancellationToken,
    tasks: TaskTracker,
    open: Mutex<BTreeMap<Address, Kept>>,
}

/// A connection that a task keeps.
#[derive(Debug)]
struct Kept {
    state: watch::Receiver<State>,
    stop: CancellationToken,
}

impl Pool {
    /// One connection, made now.
    pub(crate) async fn one(
        config: Arc<RedisConfig>,
        stop: &CancellationToken,
        tasks: &TaskTracker,
    ) -> Result<Self, BrokerError> {
        let connected = commands::open(&config, &Place::Primary).await?;
        let (sender, state) = watch::channel(Ok(connected));
        let keeping = commands::keep(config, Place::Primary, sender, stop.clone());
        tasks.spawn(keeping);
        Ok(Self::One(state))
    }

    /// A connection to each primary, made now. One that is away is tried again; one that does not
    /// let us in is an error.
    pub(crate) async fn cluster(
        config: Arc<RedisConfig>,
        atlas: Atlas,
        stop: &CancellationToken,
        tasks: &TaskTracker,
    ) -> Result<Self, BrokerError> {
        let nodes = Arc::new(Nodes {
            config,
            atlas,
            stop: stop.clone(),
            tasks: tasks.clone(),
            open: Mutex::default(),
        });
        let primaries = nodes.atlas.known.borrow().nodes();
        let opening = primaries.into_iter().map(|at| async {
            let state = commands::open(&nodes.config, &Place::Node(at.clone())).await;
            (at, state)
        });
        for (at, state) in join_all(opening).await {
            if let Err(error) = &state
                && !error.is_retryable()
            {
                return Err(error.clone());
            }
            nodes.keep(at, state);
        }
        tasks.spawn(follow(Arc::clone(&nodes)));
        Ok(Self::Cluster(nodes))
    }

    /// The connection for a topic.
    pub(crate) fn of(&self, topic: &Topic) -> State {
        match self {
            Self::One(state) => state.borrow().clone(),
            Self::Cluster(nodes) => match nodes.owner(topic) {
                Some(owner) => nodes.at(&owner),
                None => Err(ownerless()),
            },
        }
    }

    /// The primary of a topic; `None` where there is but one.
    pub(crate) fn owner(&self, topic: &Topic) -> Option<Address> {
        match self {
            Self::One(_) => None,
            Self::Cluster(nodes) => nodes.owner(topic),
        }
    }

    /// The connection to a node to which another has referred.
    pub(crate) fn at(&self, address: &Address) -> State {
        match self {
            Self::One(state) => state.borrow().clone(),
            Self::Cluster(nodes) => nodes.at(address),
        }
    }

    /// All of them; with an error for slots that no node has.
    pub(crate) fn all(&self) -> Vec<State> {
        match self {
            Self::One(state) => vec![state.borrow().clone()],
            Self::Cluster(nodes) => {
                let known = nodes.atlas.known.borrow().clone();
                let missing = (!known.is_whole()).then(|| Err(ownerless()));
                let connected = known.nodes().into_iter().map(|at| nodes.at(&at));
                connected.chain(missing).collect()
            }
        }
    }

    /// A node is away, or has said that something is elsewhere.
    pub(crate) fn doubt(&self) {
        if let Self::Cluster(nodes) = self {
            nodes.atlas.doubt();
        }
    }
}

impl Nodes {
    fn owner(&self, topic: &Topic) -> Option<Address> {
        let known = self.atlas.known.borrow();
        known.owner(Partition::of(topic)).cloned()
    }

    fn at(&self, address: &Address) -> State {
        let open = self.open.lock();
        match open.get(address) {
            Some(kept) => kept.state.borrow().clone(),
            None => Err(connecting()),
        }
    }

    fn keep(&self, at: Address, state: State) {
        let (sender, state) = watch::channel(state);
        let stop = self.stop.child_token();
        let place = Place::Node(at.clone());
        let keeping = commands::keep(Arc::clone(&self.config), place, sender, stop.clone());
        self.tasks.spawn(keeping);
        self.open.lock().insert(at, Kept { state, stop });
    }
}

/// Connects to primaries that are new and lets go of those that are none any more.
async fn follow(nodes: Arc<Nodes>) {
    let mut known = nodes.atlas.known.clone();
    let following = async {
        while known.changed().await.is_ok() {
            let primaries = known.borrow_and_update().nodes();
            nodes.open.lock().retain(|at, kept| {
                let stays = primaries.contains(at);
                if !stays {
                    kept.stop.cancel();
                }
                stays
            });
            for at in primaries {
                let is_new = !nodes.open.lock().contains_key(&at);
                if is_new {
                    nodes.keep(at, Err(connecting()));
                }
            }
        }
    };
    nodes.stop.run_until_cancelled(following).await;
}

fn connecting() -> BrokerError {
    BrokerError::unavailable("the connection to a node of the cluster is still being made")
}

fn ownerless() -> BrokerError {
    BrokerError::unavailable("no node of the cluster has the slot")
}
