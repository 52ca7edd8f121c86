//! This node as a member of the backplane: what its calls and its tasks share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use lapin::types::ShortString;
use mesahub_broker::{BrokerError, Delivery, Inbox, Position, Published};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::config::AmqpConfig;
use crate::counting::Questions;
use crate::framing::Frame;
use crate::incoming::Incoming;
use crate::logs::Logs;
use crate::names::Names;
use crate::outgoing::Outgoing;
use crate::routes::Routes;
use crate::table::{Held, Table};
use crate::waiting::Waiting;

/// How long something may be on its way in a stream or a queue that moves.
const LONGEST: Duration = Duration::from_secs(60);

/// What calls and tasks share.
pub(crate) struct Member {
    pub(crate) config: Arc<AmqpConfig>,
    pub(crate) names: Names,
    /// Chosen by chance, to know its own.
    pub(crate) id: u64,
    pub(crate) table: Table,
    pub(crate) routes: Routes,
    pub(crate) logs: Mutex<Logs>,
    /// What comes back by the stream.
    pub(crate) echoes: Waiting<Published>,
    /// What comes back by this node's own queue.
    pub(crate) fences: Waiting<()>,
    pub(crate) questions: Questions,
    pub(crate) outgoing: watch::Receiver<Result<Outgoing, BrokerError>>,
    pub(crate) incoming: watch::Receiver<Result<Incoming, BrokerError>>,
    /// Messages read so far.
    progress: AtomicU64,
    /// Readers that wait for room in the inbox.
    waiting_for_room: AtomicUsize,
}

impl Member {
    pub(crate) fn new(
        config: Arc<AmqpConfig>,
        names: Names,
        id: u64,
        outgoing: watch::Receiver<Result<Outgoing, BrokerError>>,
        incoming: watch::Receiver<Result<Incoming, BrokerError>>,
    ) -> Self {
        Self {
            logs: Mutex::new(Logs::new(config.log.clone(), config.log_memory)),
            config,
            names,
            id,
            table: Table::default(),
            routes: Routes::new(),
            echoes: Waiting::new(),
            fences: Waiting::new(),
            questions: Questions::default(),
            outgoing,
            incoming,
            progress: AtomicU64::new(0),
            waiting_for_room: AtomicUsize::new(0),
        }
    }

    pub(crate) fn outgoing(&self) -> Result<Outgoing, BrokerError> {
        self.outgoing.borrow().clone()
    }

    pub(crate) fn incoming(&self) -> Result<Incoming, BrokerError> {
        self.incoming.borrow().clone()
    }

    /// A message has been read.
    pub(crate) fn moved(&self) {
        self.progress.fetch_add(1, Ordering::Relaxed);
    }

    /// How many messages have been read.
    pub(crate) fn read_so_far(&self) -> u64 {
        self.progress.load(Ordering::Relaxed)
    }

    /// Hands a delivery over, waiting for room.
    pub(crate) async fn deliver(
        &self,
        inbox: &Inbox,
        held: Held<'_>,
        payload: bytes::Bytes,
        position: Option<Position>,
    ) {
        let delivery = Delivery {
            topic: held.topic.clone(),
            payload,
            position,
        };
        let waiting = WaitingForRoom::new(&self.waiting_for_room);
        // Whoever no longer reads its shard misses nothing.
        let _ = inbox.deliver(delivery).await;
        drop((waiting, held));
    }

    /// Waits until this node has read all that the stream holds by now.
    pub(crate) async fn catch_up(&self) -> Result<(), BrokerError> {
        self.incoming()?;
        let mut echo = self.echoes.expect();
        let mark = Frame::Mark {
            node: self.id,
            number: echo.number,
        };
        let (exchange, key) = (ShortString::default(), self.names.log.clone());
        self.outgoing()?.tell(&exchange, key, &mark).await?;
        match self.patiently(echo.come()).await? {
            Ok(_) => Ok(()),
            Err(_) => Err(lost()),
        }
    }

    /// Waits until this node has read all that its own queue holds by now.
    pub(crate) async fn drain(&self, queue: &ShortString) -> Result<(), BrokerError> {
        let mut passed = self.fences.expect();
        let fence = Frame::Fence {
            number: passed.number,
        };
        let exchange = ShortString::default();
        self.outgoing()?
            .tell(&exchange, queue.clone(), &fence)
            .await?;
        match self.patiently(passed.come()).await? {
            Ok(()) => Ok(()),
            Err(_) => Err(lost()),
        }
    }

    /// Waits for what has to be read first. There is an end to it when nothing is read for the
    /// time of an answer, though not because the inbox is full.
    pub(crate) async fn patiently<F: Future>(&self, future: F) -> Result<F::Output, BrokerError> {
        let mut future = std::pin::pin!(future);
        let since = Instant::now();
        let mut before = self.read_so_far();
        loop {
            let patience = self.config.response_timeout;
            if let Ok(output) = timeout(patience, future.as_mut()).await {
                return Ok(output);
            }
            let now = self.read_so_far();
            let is_full = self.waiting_for_room.load(Ordering::Relaxed) > 0;
            let moves = now != before && since.elapsed() < LONGEST;
            if !is_full && !moves {
                return Err(BrokerError::Timeout {
                    after: since.elapsed(),
                });
            }
            before = now;
        }
    }

    /// The connection was lost: nothing that was to come by it will.
    pub(crate) fn cut_off(&self) {
        self.echoes.give_up();
        self.fences.give_up();
    }
}

/// The way in was lost while something was on it.
pub(crate) fn lost() -> BrokerError {
    BrokerError::unavailable("the connection to RabbitMQ was lost")
}

/// Counted for as long as it lives.
struct WaitingForRoom<'a>(&'a AtomicUsize);

impl<'a> WaitingForRoom<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for WaitingForRoom<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
