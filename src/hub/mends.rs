//! The topics whose log has to be read to make up for what was missed.

use std::collections::VecDeque;

use mesahub_broker::{Gap, GapScope, Topic};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::hub::membership::Membership;
use crate::hub::trail::Trail;

/// The queue of them. Each topic of the table is in it once at most, so it needs no bound of its
/// own.
#[derive(Default)]
pub(crate) struct Mends {
    queue: Mutex<VecDeque<Topic>>,
    more: Notify,
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
        let begins = |topic: &Topic| membership.trail(topic, Trail::begin_mending) == Some(true);
        let begun: Vec<Topic> = topics.into_iter().filter(begins).collect();
        self.queue.lock().extend(begun);
        self.more.notify_one();
    }

    /// Mends topics that have been subscribed anew.
    pub(crate) fn renewed(&self, membership: &Membership, topics: Vec<Topic>) {
        let renewed = |topic: &Topic| membership.trail(topic, Trail::end_renewing) == Some(true);
        let renewed: Vec<Topic> = topics.into_iter().filter(renewed).collect();
        self.queue.lock().extend(renewed);
        self.more.notify_one();
    }

    /// Waits for a topic. Cancel safe.
    pub(crate) async fn next(&self) -> Topic {
        loop {
            if let Some(topic) = self.queue.lock().pop_front() {
                return topic;
            }
            self.more.notified().await;
        }
    }
}
