//! The node: what the hubs of one process share.
//!
//! ```text
//!   hubs ──► broker ──► inbox ──► fan-out workers ──► membership ──► outboxes
//!              ▲                                          │
//!              └───────────── interest task ◄─────────────┘
//!   clock: one timing wheel for every deadline
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use mesahub_broker::{Broker, Inbox, InboxShard};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::hub::counters::Counters;
use crate::hub::fanout::Fanout;
use crate::hub::inspection::{self, Inspection};
use crate::hub::interest;
use crate::hub::membership::Membership;
use crate::hub::mender::Mender;
use crate::hub::mends::Mends;
use crate::hub::peers::{NodeId, Peers};
use crate::hub::receipts::Receipts;
use crate::hub::receiver::Receivers;
use crate::hub::seen::Seen;
use crate::hub::turns::Turns;
use crate::hub::wheel::Wheel;

/// Deliveries that may wait for one fan-out worker. A full queue makes the backplane's reader
/// wait; workers never wait for clients.
const INBOX_CAPACITY: usize = 8_192;

/// [`NodeOptions::lease`] unless it is set.
const LEASE: Duration = Duration::from_secs(15);

/// How the parts of one process that serve hubs are joined.
pub struct Node {
    broker: Arc<dyn Broker>,
    membership: Arc<Membership>,
    counters: Arc<Counters>,
    wheel: Arc<Wheel>,
    tasks: TaskTracker,
    stop: CancellationToken,
    epoch: Instant,
    serials: AtomicU64,
    carrying: AtomicUsize,
    leaving: AtomicBool,
    peers: Arc<Peers>,
    receivers: Arc<Receivers>,
    mender: Mender,
}

/// How a node lives beside others.
#[derive(Debug, Clone, Default)]
pub struct NodeOptions {
    /// After how much silence a node counts as gone; it gives a sign of life three times in that
    /// time. By default 15 seconds where the broker joins several processes, and none elsewhere:
    /// such a node is alone.
    pub lease: Option<Duration>,
    /// How often it is checked that what the logs of its topics keep has also been delivered, give
    /// or take a tenth. By default every 30 seconds. Must be less than the age for which the logs
    /// keep messages, or what is missed may be gone before it is found.
    pub check_interval: Option<Duration>,
}

/// One request that waits on behalf of a connection; it ends when the connection does.
pub(crate) struct Carrying(Arc<Node>);

impl Node {
    /// The inbox that a broker is built with, and the shards to start the node with: one worker
    /// for each of up to four processors.
    #[must_use]
    pub fn inbox() -> (Inbox, Vec<InboxShard>) {
        let workers = std::thread::available_parallelism()
            .map_or(1, usize::from)
            .min(4);
        Inbox::new(workers, INBOX_CAPACITY)
    }

    /// Starts the node's tasks around a broker. Needs a Tokio runtime.
    #[must_use]
    pub fn start(broker: Arc<dyn Broker>, shards: Vec<InboxShard>) -> Arc<Self> {
        Self::start_with(broker, shards, &NodeOptions::default())
    }

    /// The same with options.
    #[must_use]
    pub fn start_with(
        broker: Arc<dyn Broker>,
        shards: Vec<InboxShard>,
        options: &NodeOptions,
    ) -> Arc<Self> {
        let joins = broker.capabilities().separate_server;
        let lease = options.lease.or(joins.then_some(LEASE));
        let (peers, questions) = Peers::new(Arc::clone(&broker), lease);
        let membership = Arc::new(Membership::new());
        let counters = Arc::new(Counters::default());
        let receivers = Arc::<Receivers>::default();
        let mends = Arc::<Mends>::default();
        let fanout = Fanout {
            membership: Arc::clone(&membership),
            seen: Arc::new(Seen::default()),
            counters: Arc::clone(&counters),
            peers: Arc::clone(&peers),
            receivers: Arc::clone(&receivers),
            mends: Arc::clone(&mends),
            turns: Arc::new(Turns::default()),
            receipts: Arc::new(Receipts::default()),
        };
        let mender = Mender {
            fanout: fanout.clone(),
            broker: Arc::clone(&broker),
        };
        let node = Arc::new(Self {
            broker: Arc::clone(&broker),
            membership: Arc::clone(&membership),
            counters,
            wheel: Arc::new(Wheel::new()),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            epoch: Instant::now(),
            serials: AtomicU64::new(1),
            carrying: AtomicUsize::new(0),
            leaving: AtomicBool::new(false),
            peers: Arc::clone(&peers),
            receivers,
            mender: mender.clone(),
        });
        for shard in shards {
            node.tasks.spawn(fanout.clone().work(shard));
        }
        node.tasks.spawn(mender.work(node.stop.clone()));
        if broker.capabilities().log {
            let inspection = Inspection {
                membership: Arc::clone(&membership),
                broker: Arc::clone(&broker),
                counters: Arc::clone(node.counters()),
            };
            let interval = options.check_interval.unwrap_or(inspection::INTERVAL);
            node.tasks
                .spawn(inspection.repeat(interval, node.stop.clone()));
        }
        let stop = node.stop.clone();
        node.tasks
            .spawn(interest::keep(membership, mends, broker, stop));
        node.tasks
            .spawn(Arc::clone(&node.wheel).turn(node.epoch, node.stop.clone()));
        node.tasks
            .spawn(Arc::clone(&peers).live(lease, node.stop.clone()));
        let (tasks, stop) = (node.tasks.clone(), node.stop.clone());
        node.tasks.spawn(peers.answer(questions, tasks, stop));
        node
    }

    /// The backplane.
    #[must_use]
    pub fn broker(&self) -> &Arc<dyn Broker> {
        &self.broker
    }

    /// What has been counted since the start.
    #[must_use]
    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// Where every task of the node runs, so that stopping can wait for it.
    #[must_use]
    pub fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// How many topics have members or listeners on this node.
    #[must_use]
    pub fn topic_count(&self) -> usize {
        self.membership.topics()
    }

    /// The node stops soon: whoever has no connection yet is to get one elsewhere.
    pub(crate) fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    /// Whether it stops soon.
    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }

    /// Stops the node's own tasks, sends away the connections that are left, and closes the
    /// broker. Waits for every task until the deadline; whether all ended in time.
    pub async fn stop(&self, deadline: Duration) -> bool {
        self.peers.say_goodbye().await;
        self.stop.cancel();
        self.broker.close().await;
        self.tasks.close();
        tokio::time::timeout(deadline, self.tasks.wait())
            .await
            .is_ok()
    }

    /// How many requests wait on behalf of connections: polls and event streams. They end when
    /// their connections do, so whoever waits for requests to be answered must not wait for these.
    #[must_use]
    pub fn carrying_requests(&self) -> usize {
        self.carrying.load(Ordering::Relaxed)
    }

    /// Counts such a request until the guard is dropped.
    pub(crate) fn carry(self: &Arc<Self>) -> Carrying {
        self.carrying.fetch_add(1, Ordering::Relaxed);
        Carrying(Arc::clone(self))
    }

    /// The id with which the ids of its connections begin.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.peers.me()
    }

    /// Whoever takes payloads of topics of its own.
    pub(crate) fn receivers(&self) -> &Receivers {
        &self.receivers
    }

    /// Cancelled when the node stops.
    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.stop
    }

    /// The other nodes.
    pub(crate) fn peers(&self) -> &Arc<Peers> {
        &self.peers
    }

    pub(crate) fn membership(&self) -> &Arc<Membership> {
        &self.membership
    }

    /// How many were given what.
    pub(crate) fn receipts(&self) -> &Receipts {
        &self.mender.fanout.receipts
    }

    /// Who reads logs for the members of this node.
    pub(crate) fn mender(&self) -> &Mender {
        &self.mender
    }

    pub(crate) fn wheel(&self) -> &Arc<Wheel> {
        &self.wheel
    }

    /// Milliseconds since the node started.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// A moment of the calendar in milliseconds of the node's clock; now for a past one.
    pub(crate) fn moment_of(&self, time: jiff::Timestamp) -> u64 {
        let left = time.as_millisecond() - jiff::Timestamp::now().as_millisecond();
        self.now() + u64::try_from(left).unwrap_or(0)
    }

    pub(crate) fn next_serial(&self) -> u64 {
        self.serials.fetch_add(1, Ordering::Relaxed)
    }
}

impl Drop for Carrying {
    fn drop(&mut self) {
        self.0.carrying.fetch_sub(1, Ordering::Relaxed);
    }
}
