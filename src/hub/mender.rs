//! Making up for what was missed: the one task that reads the logs of torn topics.
//!
//! ```text
//!   gap, silent subscription ──► mends ──► read_log after the last delivery ──► members
//!                                  │                    │ cannot tell
//!        deliveries are left to ◄──┘                    ▼
//!        the log meanwhile                        Lost, to the members
//! ```
//!
//! Deliveries of a topic that is being mended are not held anywhere: its log has them, and reading
//! goes on until it has given the last of them. So order is kept, nothing comes twice, and no
//! other topic waits.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use mesahub_broker::{Broker, BrokerError, LogPage, Position, Topic};
use tokio_util::sync::CancellationToken;

use crate::hub::connection::Connection;
use crate::hub::fanout::Fanout;
use crate::hub::loss::{self, LostReason};
use crate::hub::outbox::Overflow;
use crate::hub::trail::{Mended, Trail};

/// Topics that are mended at the same time.
const AT_ONCE: usize = 16;

/// Entries read at a time.
pub(crate) const PAGE: usize = 256;

/// Attempts to read before a log counts as unavailable, the pauses between which double from
/// [`PAUSE`]: 6 seconds in all.
const ATTEMPTS: u32 = 7;

const PAUSE: Duration = Duration::from_millis(100);

/// How often the log may have less than the broker has delivered before it is not believed.
const DOUBTS: u32 = 3;

/// A closed gate, and who may open it.
pub(crate) struct Closing {
    pub(crate) topic: Topic,
    pub(crate) member: Arc<Connection>,
    pub(crate) by: u64,
}

/// Reads logs for the members of this node.
#[derive(Clone)]
pub(crate) struct Mender {
    pub(crate) fanout: Fanout,
    pub(crate) broker: Arc<dyn Broker>,
}

impl Mender {
    /// Mends until told to stop.
    pub(crate) async fn work(self, stop: CancellationToken) {
        let mut mending = FuturesUnordered::new();
        loop {
            tokio::select! {
                topic = self.fanout.mends.next(), if mending.len() < AT_ONCE => {
                    mending.push(self.mend(topic));
                }
                Some(()) = mending.next(), if !mending.is_empty() => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn mend(&self, topic: Topic) {
        // What a worker is just handing on comes before what it has missed.
        self.fanout.turns.settle().await;
        let membership = &self.fanout.membership;
        let last = match membership.trail(&topic, |trail| (trail.is_mending(), trail.last())) {
            None | Some((false, _)) => return,
            Some((true, None)) => return self.give_up(&topic, LostReason::Unavailable).await,
            Some((true, Some(last))) => last,
        };
        let mut closed = self.close(&topic, Some(last), None).await;
        if let Err(BrokerError::UnknownPosition { .. }) = closed {
            closed = self.begin_anew(&topic).await;
        }
        match closed {
            Ok(0) => {}
            Ok(missed) => {
                self.fanout.counters.mended.add(missed);
                tracing::info!(%topic, missed, "made up for what was missed");
            }
            Err(error) => {
                tracing::warn!(%topic, %error, "what was missed cannot be made up for");
                self.give_up(&topic, LostReason::of(&error)).await;
            }
        }
    }

    /// Tells the members that what they have missed is lost, and hands on what has come since.
    async fn begin_anew(&self, topic: &Topic) -> Result<u64, BrokerError> {
        let end = self.broker.read_log(topic, None, 0).await?.newest;
        let begin_anew = |trail: &mut Trail| trail.begin_anew(Some(end));
        let Some(first) = self.fanout.membership.trail(topic, begin_anew) else {
            return Ok(0);
        };
        self.tell(topic, LostReason::UnknownPosition);
        match first {
            Some(first) => self.close(topic, None, Some(first)).await,
            None => Ok(0),
        }
    }

    /// Hands on what followed a position in the log, or lies at another or behind it, until there
    /// is no more; how much it was.
    async fn close(
        &self,
        topic: &Topic,
        mut after: Option<Position>,
        first: Option<Position>,
    ) -> Result<u64, BrokerError> {
        let (mut missed, mut doubts) = (0, 0);
        loop {
            let mut page = self.page(topic, after).await?;
            let read = page.entries.last().map(|entry| entry.position);
            page.entries.retain(|entry| Some(entry.position) >= first);
            missed += page.entries.len() as u64;
            self.fanout.make_up(topic, page.entries).await;
            if page.more && read.is_some() {
                after = read;
                continue;
            }
            after = Some(page.newest);
            let mended = |trail: &mut Trail| trail.mended_through(page.newest);
            match self.fanout.membership.trail(topic, mended) {
                None | Some(Mended::Done) => return Ok(missed),
                Some(Mended::Behind) if read.is_none() => doubts += 1,
                Some(Mended::Behind) => doubts = 0,
            }
            if doubts == DOUBTS {
                let position = page.newest;
                return Err(BrokerError::UnknownPosition { position });
            }
        }
    }

    /// Hands to a member whose gate is closed what followed a position, until it has all that the
    /// others have, and opens the gate.
    pub(crate) async fn catch_up(self, gate: Closing, from: Position) {
        let Closing { topic, member, by } = gate;
        let membership = &self.fanout.membership;
        let (mut after, mut doubts) = (from, 0);
        loop {
            let open = |trail: &mut Trail| trail.open(member.serial(), by, after);
            if membership.trail(&topic, open) != Some(false) {
                return;
            }
            let page = match self.page(&topic, Some(after)).await {
                Ok(page) if page.newest == after && doubts == DOUBTS => {
                    let position = after;
                    Err(BrokerError::UnknownPosition { position })
                }
                answer => answer,
            };
            match page {
                Ok(page) => {
                    doubts += u32::from(page.newest == after);
                    after = match page.entries.last() {
                        Some(last) if page.more => last.position,
                        _ => page.newest,
                    };
                    self.fanout.catch_up(&member, &topic, page.entries);
                    member.room().await;
                }
                Err(error) => {
                    membership.trail(&topic, |trail| trail.forget(member.serial()));
                    let told = loss::told(&topic, LostReason::of(&error));
                    member.send_encoded(&told, &Overflow::Close);
                    return;
                }
            }
        }
    }

    /// Reads on, with patience for a broker that is not all back yet.
    pub(crate) async fn page(
        &self,
        topic: &Topic,
        after: Option<Position>,
    ) -> Result<LogPage, BrokerError> {
        let mut attempt = 1;
        loop {
            match self.broker.read_log(topic, after, PAGE).await {
                Err(error) if error.is_retryable() && attempt < ATTEMPTS => {
                    tokio::time::sleep(PAUSE * 2_u32.pow(attempt - 1)).await;
                    attempt += 1;
                }
                answer => return answer,
            }
        }
    }

    async fn give_up(&self, topic: &Topic, reason: LostReason) {
        let end = match self.broker.read_log(topic, None, 0).await {
            Ok(page) => Some(page.newest),
            Err(_) => None,
        };
        // Whatever comes is handed on before anyone is told, so that who fetches the state then
        // misses nothing.
        let known = self
            .fanout
            .membership
            .trail(topic, |trail| trail.give_up(end));
        if known.is_some() {
            self.tell(topic, reason);
        }
    }

    fn tell(&self, topic: &Topic, reason: LostReason) {
        self.fanout.counters.lost.add(1);
        self.fanout.say(topic, loss::told(topic, reason));
    }
}
