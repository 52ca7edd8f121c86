//! The logs of all topics, as this node has read them from the stream.
//!
//! The stream carries the items of all topics. Every node reads all of it, keeps of each topic
//! what the bounds allow, and answers from that: so a reader costs RabbitMQ nothing but a mark.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use mesahub_broker::{BrokerError, LogBounds, LogPage, OnceKey, Position, Published, Topic};

use crate::keys::{Keys, MOST};
use crate::topic_log::TopicLog;

/// The logs.
///
/// A position is the life of the stream and one more than an offset in it: "all up to there".
#[derive(Debug)]
pub(crate) struct Logs {
    bounds: LogBounds,
    /// Payload bytes kept of all topics together.
    memory: usize,
    /// Which life of the stream this is.
    epoch: u64,
    /// The place from which on everything has been read; `None` while nothing has.
    floor: Option<u64>,
    /// The place up to which everything has been read.
    tail: u64,
    by_topic: HashMap<Topic, TopicLog>,
    keys: Keys,
    /// What was kept, in order. What a topic's own bounds have dropped is still in here, until it
    /// is too old or there is too much of it.
    order: VecDeque<(u64, Topic)>,
    entries: usize,
    bytes: usize,
    /// The highest place up to which something was dropped of a topic of which nothing is left.
    forgotten: u64,
}

impl Logs {
    pub(crate) fn new(bounds: LogBounds, memory: usize) -> Self {
        Self {
            bounds,
            memory,
            epoch: 0,
            floor: None,
            tail: 0,
            by_topic: HashMap::new(),
            keys: Keys::new(MOST),
            order: VecDeque::new(),
            entries: 0,
            bytes: 0,
            forgotten: 0,
        }
    }

    /// Before the stream is read, again or for the first time: says after which offset to go on,
    /// if what was read is of the same life.
    pub(crate) fn resume(&mut self, epoch: u64) -> Option<u64> {
        if epoch == self.epoch && self.floor.is_some() {
            return self.tail.checked_sub(1);
        }
        self.restart(epoch);
        None
    }

    fn restart(&mut self, epoch: u64) {
        *self = Self {
            epoch,
            ..Self::new(self.bounds.clone(), self.memory)
        };
    }

    /// The next message of the stream is at this offset. `resumed` is what
    /// [`resume`](Self::resume) has said, for the first one after it: a hole behind that is one
    /// that the stream's own bounds have made.
    pub(crate) fn advance(&mut self, offset: u64, resumed: Option<u64>) {
        if resumed.is_some_and(|after| offset != after + 1) {
            tracing::warn!(
                offset,
                "the log stream has dropped what this node had not read"
            );
            // What is known of keys stays true.
            let keys = std::mem::replace(&mut self.keys, Keys::new(MOST));
            self.restart(self.epoch);
            self.keys = keys;
        }
        self.floor.get_or_insert(offset);
        self.tail = offset + 1;
    }

    /// The place just behind an offset.
    pub(crate) fn position(&self, offset: u64) -> Position {
        Position::from_parts(self.epoch, offset + 1)
    }

    /// Keeps the message at the end of what was read, or leaves it out, where its key was read
    /// before: then nothing of it may be delivered.
    pub(crate) fn take(
        &mut self,
        topic: &Topic,
        payload: Bytes,
        at: u64,
        once: Option<OnceKey>,
    ) -> Published {
        let age = u64::try_from(self.bounds.max_age.as_millis()).unwrap_or(u64::MAX);
        // A clock that is ahead must not make a key live longer.
        let sent = at.min(now());
        let first = once.and_then(|key| self.keys.take(topic.as_str(), key, self.tail, sent, age));
        if first.is_none() {
            self.keep(topic, payload, at);
        }
        let place = first.unwrap_or(self.tail);
        Published {
            position: Some(Position::from_parts(self.epoch, place)),
            duplicate: first.is_some(),
        }
    }

    fn keep(&mut self, topic: &Topic, payload: Bytes, at: u64) {
        let now = now();
        let forgotten = self.forgotten;
        let log = self
            .by_topic
            .entry(topic.clone())
            .or_insert_with(|| TopicLog::new(forgotten));
        self.bytes += payload.len();
        self.entries += 1;
        // A clock that is ahead must not make an entry live longer.
        log.push(self.tail, at.min(now), payload);
        let dropped = log.trim(&self.bounds);
        self.bytes -= dropped.bytes;
        self.entries -= dropped.entries;
        self.order.push_back((self.tail, topic.clone()));
        self.forget_if_empty(topic);
        self.expire(now);
        self.compact();
    }

    /// At most `limit` entries of a topic after a position.
    pub(crate) fn read(
        &mut self,
        topic: &Topic,
        after: Option<Position>,
        limit: usize,
    ) -> Result<LogPage, BrokerError> {
        self.expire(now());
        let log = self.by_topic.get(topic);
        let after = match after {
            None => 0,
            Some(position) => {
                let (epoch, place) = position.parts();
                let dropped = log.map_or(self.forgotten, TopicLog::dropped);
                let from = self.floor.unwrap_or(u64::MAX).max(dropped);
                if epoch != self.epoch || place < from || place > self.tail {
                    return Err(BrokerError::UnknownPosition { position });
                }
                place
            }
        };
        let place = |place| Position::from_parts(self.epoch, place);
        Ok(match log {
            Some(log) => log.page(after, limit, place),
            None => LogPage {
                entries: Vec::new(),
                more: false,
                newest: place(self.tail),
            },
        })
    }

    /// Drops what is too old, and the oldest of what is too much for the memory.
    fn expire(&mut self, now: u64) {
        let age = u64::try_from(self.bounds.max_age.as_millis()).unwrap_or(u64::MAX);
        let oldest = now.saturating_sub(age);
        while let Some((place, topic)) = self.order.front().cloned() {
            let over = self.bytes > self.memory;
            let Some(log) = self.by_topic.get_mut(&topic) else {
                self.order.pop_front();
                continue;
            };
            let dropped = match log.first() {
                Some((first, at)) if first <= place && (over || at < oldest) => log.drop_first(),
                // Dropped by the topic's own bounds before.
                Some((first, _)) if first > place => Default::default(),
                _ => return,
            };
            self.bytes -= dropped.bytes;
            self.entries -= dropped.entries;
            self.order.pop_front();
            self.forget_if_empty(&topic);
        }
    }

    fn forget_if_empty(&mut self, topic: &Topic) {
        if let Some(log) = self.by_topic.get(topic)
            && log.first().is_none()
        {
            self.forgotten = self.forgotten.max(log.dropped());
            self.by_topic.remove(topic);
        }
    }

    /// Lets go of what is only left in the order.
    fn compact(&mut self) {
        if self.order.len() < 2 * self.entries + 1_024 {
            return;
        }
        let by_topic = &self.by_topic;
        self.order.retain(|(place, topic)| {
            let first = by_topic.get(topic).and_then(TopicLog::first);
            first.is_some_and(|(first, _)| first <= *place)
        });
        self.order.shrink_to(2 * self.entries + 1_024);
    }
}

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or(Duration::ZERO).as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{Bytes, Duration, LogBounds, Logs, OnceKey, Position, Topic, now};

    const BOUNDS: LogBounds = LogBounds {
        max_count: 3,
        max_bytes: 100,
        max_age: Duration::from_secs(3_600),
    };

    fn topic(name: &str) -> Topic {
        Topic::new(name.to_owned()).unwrap()
    }

    fn put(logs: &mut Logs, offset: u64, name: &str, size: usize) -> Position {
        logs.advance(offset, None);
        logs.keep(&topic(name), Bytes::from(vec![0; size]), now());
        logs.position(offset)
    }

    /// How many entries follow, or nothing when the position is unknown.
    fn follow(logs: &mut Logs, name: &str, after: Position) -> Option<usize> {
        let page = logs.read(&topic(name), Some(after), 100).ok()?;
        Some(page.entries.len())
    }

    fn fresh(memory: usize) -> Logs {
        let mut logs = Logs::new(BOUNDS, memory);
        assert_eq!(logs.resume(7), None);
        logs
    }

    #[test]
    fn what_was_before_the_first_message_read_is_unknown() {
        let mut logs = fresh(1_000);
        let first = put(&mut logs, 50, "a", 1);
        assert_eq!(follow(&mut logs, "a", Position::from_parts(7, 49)), None);
        assert_eq!(follow(&mut logs, "a", Position::from_parts(7, 50)), Some(1));
        assert_eq!(follow(&mut logs, "a", first), Some(0));
        assert_eq!(follow(&mut logs, "a", Position::from_parts(7, 52)), None);
        assert_eq!(follow(&mut logs, "a", Position::from_parts(6, 51)), None);
    }

    #[test]
    fn memory_is_bounded_over_all_topics_oldest_first() {
        let mut logs = fresh(100);
        let empty = put(&mut logs, 0, "z", 0);
        let first = put(&mut logs, 1, "a", 60);
        let second = put(&mut logs, 2, "b", 60);
        assert_eq!(follow(&mut logs, "a", empty), None);
        assert_eq!(follow(&mut logs, "a", first), Some(0));
        assert_eq!(follow(&mut logs, "b", empty), Some(1));
        assert_eq!(follow(&mut logs, "b", first), Some(1));
        assert_eq!(follow(&mut logs, "b", second), Some(0));
        assert_eq!(logs.bytes, 60);
    }

    #[test]
    fn a_topic_dropped_by_its_own_bounds_leaves_nothing_that_grows() {
        let mut logs = fresh(1_000_000);
        for offset in 0..10_000 {
            put(&mut logs, offset, "a", 1);
        }
        assert_eq!((logs.entries, logs.bytes), (3, 3));
        assert!(logs.order.len() < 2_000);
    }

    #[test]
    fn an_entry_over_the_byte_bound_is_not_kept_and_its_place_is_known() {
        let mut logs = fresh(1_000);
        let large = put(&mut logs, 0, "a", 101);
        assert!(logs.by_topic.is_empty());
        assert_eq!(follow(&mut logs, "a", large), Some(0));
        assert_eq!(follow(&mut logs, "a", Position::from_parts(7, 0)), None);
    }

    #[test]
    fn reading_goes_on_in_the_same_life_and_begins_anew_in_another() {
        let mut logs = fresh(1_000);
        let first = put(&mut logs, 4, "a", 1);
        assert_eq!(logs.resume(7), Some(4));
        logs.advance(5, Some(4));
        assert_eq!(follow(&mut logs, "a", first), Some(0));
        assert_eq!(logs.resume(8), None);
        put(&mut logs, 0, "a", 1);
        assert_eq!(follow(&mut logs, "a", first), None);
    }

    #[test]
    fn a_hole_made_by_the_stream_makes_what_was_before_it_unknown() {
        let mut logs = fresh(1_000);
        let first = put(&mut logs, 4, "a", 1);
        logs.advance(9, logs.tail.checked_sub(1));
        logs.keep(&topic("a"), Bytes::new(), now());
        assert_eq!(follow(&mut logs, "a", first), None);
        assert_eq!(follow(&mut logs, "a", Position::from_parts(7, 9)), Some(1));
    }

    #[test]
    fn keys_are_known_across_a_hole_and_not_in_another_life() {
        let mut logs = fresh(1_000);
        let take = |logs: &mut Logs, offset, resumed| {
            logs.advance(offset, resumed);
            let key = Some(OnceKey::new([1; 16]));
            logs.take(&topic("a"), Bytes::new(), now(), key)
        };
        let first = take(&mut logs, 4, None);
        let again = take(&mut logs, 5, None);
        assert_eq!((first.duplicate, again.duplicate), (false, true));
        assert_eq!(again.position, first.position);
        assert_eq!(logs.entries, 1);
        assert!(take(&mut logs, 9, Some(5)).duplicate);
        assert_eq!(logs.resume(7), Some(9));
        assert_eq!(logs.resume(8), None);
        assert!(!take(&mut logs, 0, None).duplicate);
    }

    #[test]
    fn age_counts_from_when_it_was_sent_and_never_from_the_future() {
        let mut logs = Logs::new(
            LogBounds {
                max_age: Duration::from_secs(10),
                ..BOUNDS
            },
            1_000,
        );
        logs.resume(7);
        logs.advance(0, None);
        logs.keep(&topic("old"), Bytes::new(), now() - 11_000);
        logs.advance(1, None);
        logs.keep(&topic("young"), Bytes::new(), now() + 1_000_000);
        assert_eq!(logs.by_topic.len(), 1);
        logs.expire(now() + 20_000);
        assert!(logs.by_topic.is_empty() && logs.order.is_empty());
    }
}
