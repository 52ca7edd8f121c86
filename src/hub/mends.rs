//! The topics whose log has to be read to make up for what was missed.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use mesahub_broker::{Gap, GapScope, Topic};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::hub::membership::Membership;
use crate::hub::trail::Trail;

/// The queue of them. Each topic of the table is in it once at most, so it needs no bound of its
/// own.
#[derive(Default)]
pub(crate) struct Mends {
    queue: Mutex<VecDeque<Mend>>,
    more: Notify,
    numbers: AtomicU64,
}

/// A topic, and the number of whoever mends it now: when nobody listens to it any more, or it is
/// mended anew, the number is no longer that of its trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mend {
    pub(crate) topic: Topic,
    pub(crate) number: u64,
}

impl Mends {
    /// The broker may have missed something. From now on what the logs of these topics keep is
    /// left to them, as far as this shard carries them.
    pub(crate) fn tear(&self, membership: &Membership, gap: Gap, carries: impl Fn(&Topic) -> bool) {
        let torn = match gap.topics {
            GapScope::Topics(topics) => topics,
            GapScope::All => membership.trails(|topic, _| carries(topic).then(|| topic.clone())),
        };
        self.begin(membership, torn);
    }

    /// Begins to mend those that have a trail and are not being mended.
    pub(crate) fn begin(&self, membership: &Membership, topics: Vec<Topic>) {
        self.mend(membership, topics, Trail::begin_mending);
    }

    /// Mends topics that have been subscribed anew.
    pub(crate) fn renewed(&self, membership: &Membership, topics: Vec<Topic>) {
        self.mend(membership, topics, Trail::end_renewing);
    }

    /// Waits for a topic. Cancel safe.
    pub(crate) async fn next(&self) -> Mend {
        loop {
            if let Some(mend) = self.queue.lock().pop_front() {
                return mend;
            }
            self.more.notified().await;
        }
    }

    fn mend(
        &self,
        membership: &Membership,
        topics: Vec<Topic>,
        begin: impl Fn(&mut Trail, u64) -> bool,
    ) {
        let begun = topics.into_iter().filter_map(|topic| {
            let number = self.numbers.fetch_add(1, Ordering::Relaxed) + 1;
            let begun = membership.trail(&topic, |trail| begin(trail, number));
            (begun == Some(true)).then_some(Mend { topic, number })
        });
        let begun: Vec<Mend> = begun.collect();
        self.queue.lock().extend(begun);
        self.more.notify_one();
    }
}
