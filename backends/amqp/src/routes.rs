//! Which way the publications of a topic go: by the exchange, or by the stream.
//!
//! Order within a topic holds on each way, and not between the two. So a topic has one way: the
//! exchange until this node first publishes something on it that is to be kept, and the stream
//! for ever after. The switch is made between publications: it waits until all that went by the
//! exchange is in the queues of its nodes, and the first item by the stream says that there was a
//! switch, so that a reader lets its queue catch up first.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU8, Ordering};

use mesahub_broker::{Publication, Topic};
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Topics are told apart by this many slots, whose number does not grow: topics that share one
/// switch together.
const SLOTS: usize = 1 << 20;

const EXCHANGE: u8 = 1;
const STREAM: u8 = 2;

/// The way of each topic, as far as this node publishes on it.
#[derive(Debug)]
pub(crate) struct Routes {
    slots: Box<[AtomicU8]>,
    hasher: RandomState,
    /// Held for reading while something is on its way by the exchange, for writing while a topic
    /// switches.
    under_way: RwLock<()>,
}

/// The way of one publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    Exchange,
    Stream {
        /// Whether what went before may have gone by the exchange.
        switched: bool,
    },
}

/// The ways of some publications, which hold until this is dropped.
pub(crate) struct Plan<'a> {
    pub(crate) routes: Vec<Route>,
    under_way: UnderWay<'a>,
}

enum UnderWay<'a> {
    Sending(RwLockReadGuard<'a, ()>),
    Switching(RwLockWriteGuard<'a, ()>),
}

impl Routes {
    pub(crate) fn new() -> Self {
        Self {
            slots: (0..SLOTS).map(|_| AtomicU8::new(0)).collect(),
            hasher: RandomState::new(),
            under_way: RwLock::new(()),
        }
    }

    /// Chooses the ways. Waits, where a topic has to switch, for what is on its way.
    pub(crate) async fn plan(&self, items: &[&Publication]) -> Plan<'_> {
        let must_switch = items
            .iter()
            .any(|item| item.log && !self.is_by_stream(self.slot(&item.topic)));
        let under_way = match must_switch {
            true => UnderWay::Switching(self.under_way.write().await),
            false => UnderWay::Sending(self.under_way.read().await),
        };
        self.choose(items, under_way)
    }

    fn choose<'a>(&'a self, items: &[&Publication], under_way: UnderWay<'a>) -> Plan<'a> {
        let mut switching = Vec::new();
        for item in items.iter().filter(|item| item.log) {
            let slot = self.slot(&item.topic);
            let before = self.slots[slot].fetch_or(STREAM, Ordering::AcqRel);
            if before & STREAM == 0 && before & EXCHANGE != 0 {
                switching.push(slot);
            }
        }
        let routes = items
            .iter()
            .map(|item| {
                let slot = self.slot(&item.topic);
                if !self.is_by_stream(slot) {
                    self.slots[slot].fetch_or(EXCHANGE, Ordering::AcqRel);
                    return Route::Exchange;
                }
                let first = switching.iter().position(|one| *one == slot);
                let switched = first.map(|first| switching.swap_remove(first)).is_some();
                Route::Stream { switched }
            })
            .collect();
        Plan { routes, under_way }
    }

    fn slot(&self, topic: &Topic) -> usize {
        self.hasher.hash_one(topic) as usize % SLOTS
    }

    fn is_by_stream(&self, slot: usize) -> bool {
        self.slots[slot].load(Ordering::Acquire) & STREAM != 0
    }
}

impl<'a> Plan<'a> {
    /// Everything has been sent: others may send, and switches still wait.
    pub(crate) fn sent(self) -> RwLockReadGuard<'a, ()> {
        match self.under_way {
            UnderWay::Sending(reading) => reading,
            UnderWay::Switching(writing) => writing.downgrade(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::pin::pin;

    use futures_util::poll;
    use mesahub_broker::{Publication, Topic};

    use super::{Route, Routes};

    fn item(topic: &str) -> Publication {
        Publication::new(Topic::new(topic.to_owned()).unwrap(), "")
    }

    async fn routes(routes: &Routes, items: &[&Publication]) -> Vec<Route> {
        let plan = routes.plan(items).await;
        let chosen = plan.routes.clone();
        drop(plan.sent());
        chosen
    }

    const STREAM: Route = Route::Stream { switched: false };
    const SWITCHED: Route = Route::Stream { switched: true };

    #[tokio::test]
    async fn a_topic_goes_by_the_exchange_until_something_is_kept() {
        let all = Routes::new();
        let (live, kept) = (item("a"), item("a").logged());
        assert_eq!(routes(&all, &[&live, &live]).await, [Route::Exchange; 2]);
        assert_eq!(routes(&all, &[&live, &kept]).await, [SWITCHED, STREAM]);
        assert_eq!(routes(&all, &[&live, &kept]).await, [STREAM; 2]);
        assert_eq!(routes(&all, &[&item("b")]).await, [Route::Exchange]);
    }

    #[tokio::test]
    async fn a_topic_that_never_went_by_the_exchange_does_not_switch() {
        let all = Routes::new();
        assert_eq!(routes(&all, &[&item("a").logged()]).await, [STREAM]);
    }

    #[tokio::test]
    async fn a_switch_waits_for_what_is_on_its_way() {
        let all = Routes::new();
        let (live, kept) = (item("a"), item("a").logged());
        let on_its_way = all.plan(&[&live]).await.sent();
        let kept = [&kept];
        let mut switching = pin!(all.plan(&kept));
        assert!(poll!(switching.as_mut()).is_pending());
        drop(on_its_way);
        assert_eq!(switching.await.routes, [SWITCHED]);
    }
}
