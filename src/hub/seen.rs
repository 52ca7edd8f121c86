//! What has already been given to whom: a message that was sent to several channels reaches a
//! connection in more than one of them once.
//!
//! One record per message, not per connection: an idle connection costs nothing. A record is kept
//! while its channels' deliveries may still arrive, bounded in age and number; the oldest goes
//! first, which at worst shows a message twice.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// How long after its first delivery a message is remembered.
const KEPT: Duration = Duration::from_secs(60);

/// How many messages are remembered at most.
const MOST: usize = 8_192;

/// The serials of the connections that were given one message. Held locked while its members are
/// served, so that two channels cannot overtake each other.
pub(crate) type Record = Arc<Mutex<HashSet<u64>>>;

/// The records of recent messages.
#[derive(Default)]
pub(crate) struct Seen {
    inner: Mutex<Records>,
}

#[derive(Default)]
struct Records {
    by_id: HashMap<[u8; 16], Record>,
    by_age: VecDeque<(Instant, [u8; 16])>,
}

impl Seen {
    /// The record of a message, made on its first delivery.
    pub(crate) fn record(&self, id: [u8; 16]) -> Record {
        let now = Instant::now();
        let mut records = self.inner.lock();
        records.forget(now);
        if let Some(record) = records.by_id.get(&id) {
            return Arc::clone(record);
        }
        let record = Record::default();
        records.by_id.insert(id, Arc::clone(&record));
        records.by_age.push_back((now, id));
        record
    }
}

impl Records {
    fn forget(&mut self, now: Instant) {
        while let Some((at, id)) = self.by_age.front() {
            if self.by_age.len() < MOST && now.duration_since(*at) < KEPT {
                break;
            }
            self.by_id.remove(id);
            self.by_age.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{KEPT, MOST, Seen};

    #[tokio::test(start_paused = true)]
    async fn a_message_is_forgotten_after_its_time() {
        let seen = Seen::default();
        let first = seen.record([1; 16]);
        assert!(Arc::ptr_eq(&first, &seen.record([1; 16])));
        tokio::time::advance(KEPT).await;
        assert!(!Arc::ptr_eq(&first, &seen.record([1; 16])));
    }

    #[test]
    fn the_number_of_records_is_bounded() {
        let seen = Seen::default();
        for number in 0..(MOST as u128 * 2) {
            seen.record(number.to_be_bytes());
        }
        assert!(seen.inner.lock().by_id.len() <= MOST);
    }
}
