//! The links to the primaries of a cluster, each made when something is wanted there.

use std::collections::HashMap;
use std::sync::Arc;

use mesahub_broker::{BrokerError, Inbox, Topic};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Address, RedisConfig};
use crate::link::{Change, Link, Request, WAITING_REQUESTS};
use crate::primary::Place;
use crate::topology::Atlas;

/// Reports that may wait for the router; a link then waits for room.
const WAITING_REPORTS: usize = 1_024;

/// The links.
pub(crate) struct Links {
    config: Arc<RedisConfig>,
    inbox: Inbox,
    atlas: Atlas,
    stop: CancellationToken,
    tasks: TaskTracker,
    open: HashMap<Address, Way>,
    reports: mpsc::Sender<(Address, Topic)>,
}

/// The way to a link.
struct Way {
    requests: mpsc::Sender<Request>,
    stop: CancellationToken,
}

/// Tells the router what a node does not have, or no longer.
#[derive(Clone)]
pub(crate) struct Reporter {
    at: Address,
    reports: mpsc::Sender<(Address, Topic)>,
    atlas: Atlas,
}

impl Reporter {
    /// The node has given up a topic's partition.
    pub(crate) async fn lost(&self, topic: Topic) {
        let _ = self.reports.send((self.at.clone(), topic)).await;
    }

    /// The node is away, so that another may have taken its place.
    pub(crate) fn doubt(&self) {
        self.atlas.doubt();
    }
}

impl Links {
    /// None yet, and where they report what a node has lost.
    pub(crate) fn new(
        config: Arc<RedisConfig>,
        inbox: Inbox,
        atlas: Atlas,
        stop: CancellationToken,
        tasks: TaskTracker,
    ) -> (Self, mpsc::Receiver<(Address, Topic)>) {
        let (reports, reported) = mpsc::channel(WAITING_REPORTS);
        let links = Self {
            config,
            inbox,
            atlas,
            stop,
            tasks,
            open: HashMap::new(),
            reports,
        };
        (links, reported)
    }

    /// Has the link to a node do something. It is asked now; what is returned awaits its answer.
    pub(crate) fn send(
        &mut self,
        at: &Address,
        change: Change,
        topics: Vec<Topic>,
    ) -> impl Future<Output = Result<(), BrokerError>> + use<> {
        let (answer, answered) = oneshot::channel();
        let request = Request {
            change,
            topics,
            answer,
        };
        let asked = self.link(at).try_send(request);
        let stop = self.stop.clone();
        async move {
            if asked.is_err() {
                return Err(BrokerError::unavailable("too many requests wait for it"));
            }
            match answered.await {
                Ok(outcome) => outcome,
                Err(_) if stop.is_cancelled() => Err(BrokerError::Closed),
                Err(_) => Err(BrokerError::unavailable("the node has left the cluster")),
            }
        }
    }

    /// Ends those to nodes that are not among these.
    pub(crate) fn keep_only(&mut self, nodes: &[Address]) {
        self.open.retain(|at, way| {
            let stays = nodes.contains(at);
            if !stays {
                way.stop.cancel();
            }
            stays
        });
    }

    fn link(&mut self, at: &Address) -> &mpsc::Sender<Request> {
        let way = self.open.entry(at.clone()).or_insert_with(|| {
            let (requests, waiting) = mpsc::channel(WAITING_REQUESTS);
            let stop = self.stop.child_token();
            let (config, place) = (Arc::clone(&self.config), Place::Node(at.clone()));
            let mut link = Link::new(config, place, self.inbox.clone(), waiting, stop.clone());
            link.reporter = Some(Reporter {
                at: at.clone(),
                reports: self.reports.clone(),
                atlas: self.atlas.clone(),
            });
            self.tasks.spawn(link.run(None));
            Way { requests, stop }
        });
        &way.requests
    }
}
