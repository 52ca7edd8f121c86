//! The periodic inspection: finds subscriptions that have quietly stopped delivering.
//!
//! Each topic's log is asked whether it holds anything after what was delivered last. What is
//! still behind at a second look is not on its way: the topic is subscribed anew and mended.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::iter;
use mesahub_broker::{Broker, BrokerError, Position, Topic};
use tokio_util::sync::CancellationToken;

use crate::hub::counters::Counters;
use crate::hub::membership::Membership;
use crate::hub::trail::Trail;

/// How often, unless it is set.
pub(crate) const INTERVAL: Duration = Duration::from_secs(30);

/// Time for a delivery that is on its way to arrive.
const ON_ITS_WAY: Duration = Duration::from_secs(2);

/// Logs that are asked at the same time.
const AT_ONCE: usize = 16;

/// Compares what logs hold with what was delivered.
pub(crate) struct Inspection {
    pub(crate) membership: Arc<Membership>,
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) counters: Arc<Counters>,
}

/// A topic and where everything was delivered.
type Reached = (Topic, Position);

impl Inspection {
    /// Inspects again and again until told to stop. The pauses differ by up to a tenth, so that
    /// nodes that were started together do not ask together.
    pub(crate) async fn repeat(self, interval: Duration, stop: CancellationToken) {
        loop {
            let random = f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX);
            let pause = interval.mul_f64(0.9 + 0.2 * random);
            let round = async {
                tokio::time::sleep(pause).await;
                self.inspect().await;
            };
            if stop.run_until_cancelled(round).await.is_none() {
                return;
            }
        }
    }

    async fn inspect(&self) {
        self.begin_where_nothing_is_known().await;
        let all = |topic: &Topic, trail: &mut Trail| {
            let last = trail.last().filter(|_| !trail.is_mending())?;
            Some((topic.clone(), last))
        };
        let behind = self.behind(self.membership.trails(all)).await;
        if behind.is_empty() {
            return;
        }
        tokio::time::sleep(ON_ITS_WAY).await;
        for (topic, last) in self.behind(behind).await {
            tracing::warn!(%topic, %last, "a subscription has quietly stopped delivering");
            self.counters.silent.add(1);
            self.membership.renew(&topic);
        }
    }

    /// Those whose log holds more than was delivered.
    async fn behind(&self, topics: Vec<Reached>) -> Vec<Reached> {
        let looks = iter(topics).map(|(topic, last)| self.look(topic, last));
        let looked = looks.buffer_unordered(AT_ONCE);
        looked.filter_map(std::future::ready).collect().await
    }

    /// The topic, if its log holds more.
    async fn look(&self, topic: Topic, last: Position) -> Option<Reached> {
        match self.holds_more(&topic, last).await {
            Ok(true) => {
                let is_still_there = |trail: &mut Trail| trail.is_still_at(last);
                let still = self.membership.trail(&topic, is_still_there);
                (still == Some(true)).then_some((topic, last))
            }
            Ok(false) => None,
            Err(error) => {
                tracing::debug!(%topic, %error, "a log cannot be asked");
                None
            }
        }
    }

    /// Whether a log holds anything after a position. Where it holds nothing, its end is the better
    /// position: old ones are forgotten.
    async fn holds_more(&self, topic: &Topic, last: Position) -> Result<bool, BrokerError> {
        let page = match self.broker.read_log(topic, Some(last), 0).await {
            // What was delivered last has been dropped. If nothing is kept at all, nothing has come
            // since then: an inspection comes more often than the log drops for age.
            Err(BrokerError::UnknownPosition { .. }) => {
                self.broker.read_log(topic, None, 0).await?
            }
            answer => answer?,
        };
        if !page.more {
            self.membership
                .trail(topic, |trail| trail.follow(last, page.newest));
        }
        Ok(page.more)
    }

    /// Where a log could not tell its end when it was needed, it may do so now.
    async fn begin_where_nothing_is_known(&self) {
        let unknown = |topic: &Topic, trail: &mut Trail| {
            (trail.last().is_none() && !trail.is_mending()).then(|| topic.clone())
        };
        let reads = iter(self.membership.trails(unknown)).map(|topic| async move {
            let page = self.broker.read_log(&topic, None, 0).await.ok()?;
            Some((topic, page.newest))
        });
        let reads = reads.buffer_unordered(AT_ONCE);
        let ends: Vec<Reached> = reads.filter_map(std::future::ready).collect().await;
        if ends.is_empty() {
            return;
        }
        // Until then something that lies before the end may still be missed.
        tokio::time::sleep(ON_ITS_WAY).await;
        for (topic, end) in ends {
            self.membership.trail(&topic, |trail| trail.begin_at(end));
        }
    }
}
