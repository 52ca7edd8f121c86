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
use crate::hub::mends::Mend;
use crate::hub::outbox::Overflow;
use crate::hub::trail::{Anew, Mended, Trail};

/// Topics that are mended at the same time.
const AT_ONCE: usize = 16;

/// Entries read at a time.
pub(crate) const PAGE: usize = 256;

/// Attempts to read before a log counts as unavailable, the pauses between which double from
/// [`PAUSE`]: 6 seconds in all.
const ATTEMPTS: u32 = 7;

const PAUSE: Duration = Duration::from_millis(100);

/// How often in turn the log may have less than the broker has delivered before it is not believed.
/// The pauses between double from [`PAUSE`].
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
                mend = self.fanout.mends.next(), if mending.len() < AT_ONCE => {
                    mending.push(self.mend(mend));
                }
                Some(()) = mending.next(), if !mending.is_empty() => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn mend(&self, mend: Mend) {
        // What a worker is just handing on comes before what it has missed.
        self.fanout.turns.settle().await;
        let last = |trail: &mut Trail| trail.is_mended_by(mend.number).then(|| trail.last());
        let closed = match self.fanout.membership.trail(&mend.topic, last).flatten() {
            None => return,
            Some(None) => self.begin_anew(&mend, LostReason::Unavailable).await,
            Some(last) => match self.close(&mend, last, None).await {
                Err(error @ BrokerError::UnknownPosition { .. }) => {
                    self.begin_anew(&mend, LostReason::of(&error)).await
                }
                closed => closed,
            },
        };
        let topic = &mend.topic;
        match closed {
            Ok(0) => {}
            Ok(missed) => {
                self.fanout.counters.mended.add(missed);
                tracing::info!(%topic, missed, "made up for what was missed");
            }
            Err(error) => {
                tracing::warn!(%topic, %error, "what was missed cannot be made up for");
                self.give_up(&mend, LostReason::of(&error)).await;
            }
        }
    }

    /// Tells the members that what they have missed is lost, and hands on what has come since; how
    /// much it was.
    async fn begin_anew(&self, mend: &Mend, reason: LostReason) -> Result<u64, BrokerError> {
        let end = self.page(&mend.topic, None, 0).await?.newest;
        let begin_anew = |trail: &mut Trail| trail.begin_anew(mend.number, end);
        let anew = self.fanout.membership.trail(&mend.topic, begin_anew);
        self.tell(&mend.topic, anew, reason);
        match anew {
            Some(Anew::From(first)) => self.close(mend, None, Some(first)).await,
            _ => Ok(0),
        }
    }

    /// Hands on what followed a position in the log, or lies at another and behind it, until there
    /// is no more; how much it was. That the other position is no longer in the log is an error.
    async fn close(
        &self,
        mend: &Mend,
        mut after: Option<Position>,
        mut first: Option<Position>,
    ) -> Result<u64, BrokerError> {
        let unknown = |position| Err(BrokerError::UnknownPosition { position });
        let (mut missed, mut doubts) = (0, 0);
        loop {
            let mut page = self.page(&mend.topic, after, PAGE).await?;
            let read = page.entries.last().map(|entry| entry.position);
            page.entries.retain(|entry| Some(entry.position) >= first);
            match (first, page.entries.first()) {
                (Some(first), Some(entry)) if entry.position > first => return unknown(first),
                (Some(_), Some(_)) => first = None,
                _ => {}
            }
            missed += page.entries.len() as u64;
            let (topic, number) = (&mend.topic, mend.number);
            self.fanout.make_up(topic, number, page.entries).await;
            if page.more && read.is_some() {
                after = read;
                continue;
            }
            if let Some(first) = first.filter(|first| *first <= page.newest) {
                return unknown(first);
            }
            after = Some(page.newest);
            let mended = |trail: &mut Trail| trail.mended_through(number, page.newest);
            match self.fanout.membership.trail(topic, mended) {
                None | Some(Mended::Done) => return Ok(missed),
                Some(Mended::Torn) => {}
                Some(Mended::Behind) if read.is_some() => doubts = 0,
                Some(Mended::Behind) if doubts == DOUBTS => return unknown(page.newest),
                Some(Mended::Behind) => {
                    tokio::time::sleep(PAUSE * 2_u32.pow(doubts)).await;
                    doubts += 1;
                }
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
            let page = match self.page(&topic, Some(after), PAGE).await {
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
                    let gate = Closing { topic, member, by };
                    return self.give_up_on(&gate, LostReason::of(&error));
                }
            }
        }
    }

    /// Opens the gate of a member and tells it that what it was not given is lost.
    pub(crate) fn give_up_on(&self, gate: &Closing, reason: LostReason) {
        let Closing { topic, member, by } = gate;
        let membership = &self.fanout.membership;
        let reopen = |trail: &mut Trail| trail.reopen_telling(member.serial(), *by);
        if membership.trail(topic, reopen) == Some(true) {
            self.fanout.counters.lost_alone.add(reason);
            member.send_encoded(&loss::told(topic, reason), &Overflow::Close);
            membership.trail(topic, Trail::end_telling);
        }
    }

    /// Reads on, with patience for a broker that is not all back yet.
    async fn page(
        &self,
        topic: &Topic,
        after: Option<Position>,
        limit: usize,
    ) -> Result<LogPage, BrokerError> {
        let mut attempt = 1;
        loop {
            match self.broker.read_log(topic, after, limit).await {
                Err(error) if error.is_retryable() && attempt < ATTEMPTS => {
                    tokio::time::sleep(PAUSE * 2_u32.pow(attempt - 1)).await;
                    attempt += 1;
                }
                answer => return answer,
            }
        }
    }

    /// Hands on whatever comes, with nothing made up for. What was left to the log is lost as well:
    /// it came before the members are told.
    async fn give_up(&self, mend: &Mend, reason: LostReason) {
        let end = match self.broker.read_log(&mend.topic, None, 0).await {
            Ok(page) => Some(page.newest),
            Err(_) => None,
        };
        let give_up = |trail: &mut Trail| trail.give_up(mend.number, end);
        let anew = self.fanout.membership.trail(&mend.topic, give_up);
        self.tell(&mend.topic, anew, reason);
    }

    /// Tells the members of a loss, before anything that comes behind it: whoever is then cut off
    /// knows of it, or has nothing after which to resume.
    fn tell(&self, topic: &Topic, anew: Option<Anew>, reason: LostReason) {
        if matches!(anew, None | Some(Anew::Nothing)) {
            return;
        }
        self.fanout.counters.lost.add(reason);
        self.fanout.say(topic, loss::told(topic, reason));
        if anew == Some(Anew::Opens) {
            self.fanout.membership.trail(topic, Trail::end_telling);
        }
    }
}
