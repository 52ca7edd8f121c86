//! How many connections of this node were given each message whose sender wants to know.
//!
//! Nothing is kept of messages that were sent without asking. A record is kept for a while and
//! then forgotten, as is the oldest of too many.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

/// How long a record is kept.
pub const RECEIPTS_KEPT: Duration = Duration::from_secs(600);

/// The most records that a node keeps.
const MOST: usize = 10_000;

/// How far a message has come so far, on all nodes that answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// What its sender said of whose it is.
    pub owner: Option<String>,
    /// The connections whose outbox it was given to.
    pub connections: u64,
    /// The nodes that have such connections.
    pub nodes: u64,
}

/// What one node knows of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Record {
    /// Set on the node that sent it.
    pub(crate) sent: Option<Sent>,
    /// The connections of this node that were given it.
    pub(crate) given: u64,
}

/// The message was sent from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) owner: Option<String>,
}

/// The records of one node.
#[derive(Default)]
pub(crate) struct Receipts {
    inner: Mutex<Records>,
}

#[derive(Default)]
struct Records {
    by_id: HashMap<Uuid, Record>,
    by_age: VecDeque<(Instant, Uuid)>,
}

impl Receipts {
    /// A message is about to be sent from here.
    pub(crate) fn open(&self, id: Uuid, owner: Option<String>) {
        self.change(id, |record| record.sent = Some(Sent { owner }));
    }

    /// So many more connections were given a message.
    pub(crate) fn count(&self, id: Uuid, given: u64) {
        if given > 0 {
            self.change(id, |record| record.given += given);
        }
    }

    /// What is known of a message; nothing of one that was forgotten or never heard of.
    pub(crate) fn of(&self, id: Uuid) -> Record {
        let mut records = self.inner.lock();
        records.forget(Instant::now(), MOST);
        records.by_id.get(&id).cloned().unwrap_or_default()
    }

    fn change(&self, id: Uuid, change: impl FnOnce(&mut Record)) {
        let now = Instant::now();
        let mut records = self.inner.lock();
        records.forget(now, MOST - 1);
        if !records.by_id.contains_key(&id) {
            records.by_age.push_back((now, id));
        }
        change(records.by_id.entry(id).or_default());
    }
}

impl Records {
    fn forget(&mut self, now: Instant, most: usize) {
        while let Some((at, id)) = self.by_age.front() {
            if self.by_age.len() <= most && now.duration_since(*at) < RECEIPTS_KEPT {
                break;
            }
            self.by_id.remove(id);
            self.by_age.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{MOST, RECEIPTS_KEPT, Receipts};

    #[tokio::test(start_paused = true)]
    async fn a_record_adds_up_and_is_forgotten_after_its_time() {
        let (receipts, id) = (Receipts::default(), Uuid::from_u128(1));
        receipts.open(id, Some("pizza".to_owned()));
        receipts.count(id, 2);
        receipts.count(id, 0);
        receipts.count(id, 3);
        let record = receipts.of(id);
        assert_eq!(record.given, 5);
        assert_eq!(
            record.sent.and_then(|sent| sent.owner).as_deref(),
            Some("pizza")
        );
        tokio::time::advance(RECEIPTS_KEPT).await;
        assert_eq!(receipts.of(id).given, 0);
        assert!(receipts.of(id).sent.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_of_records_is_bounded() {
        let receipts = Receipts::default();
        for number in 0..2 * MOST as u128 {
            receipts.count(Uuid::from_u128(number), 1);
        }
        assert_eq!(receipts.inner.lock().by_id.len(), MOST);
        assert_eq!(receipts.of(Uuid::from_u128(0)).given, 0);
    }
}
