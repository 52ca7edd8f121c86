//! The logs of many topics: begun with the first kept publication, forgotten with the last.

use std::collections::HashMap;

use bytes::Bytes;
use mesahub_broker::{BrokerError, LogBounds, LogPage, OnceKey, Position, Topic};
use tokio::time::Instant;

use crate::log::TopicLog;

/// The logs of the topics that have one.
pub(crate) struct Logs {
    by_topic: HashMap<Topic, TopicLog>,
    swept: Instant,
    /// Highest generation among the logs that were forgotten.
    forgotten: u64,
}

impl Logs {
    /// Empty; generations of its logs will be over `origin`.
    pub(crate) fn new(origin: u64) -> Self {
        Self {
            by_topic: HashMap::new(),
            swept: Instant::now(),
            forgotten: origin,
        }
    }

    /// Where the publication went that came with this key.
    pub(crate) fn taken(
        &mut self,
        topic: &Topic,
        key: OnceKey,
        bounds: &LogBounds,
    ) -> Option<Position> {
        let log = self.by_topic.get_mut(topic)?;
        log.taken(key, Instant::now(), bounds)
    }

    /// Keeps a publication, and takes its key, if it has one. `generation` is asked for when the topic's log begins.
    pub(crate) fn append(
        &mut self,
        topic: &Topic,
        payload: Bytes,
        once: Option<OnceKey>,
        bounds: &LogBounds,
        generation: impl FnOnce() -> u64,
    ) -> Position {
        let now = Instant::now();
        if now.duration_since(self.swept) > bounds.max_age {
            self.sweep(now, bounds);
        }
        let log = match self.by_topic.get_mut(topic) {
            Some(log) => log,
            None => self
                .by_topic
                .entry(topic.clone())
                .or_insert_with(|| TopicLog::new(generation())),
        };
        let position = log.append(payload, now, bounds);
        if let Some(key) = once {
            log.take(key, now);
        }
        position
    }

    /// Reads a topic's log. `generation` is the newest one issued in the network, which stands for
    /// the end of a log that has not begun.
    pub(crate) fn read(
        &mut self,
        topic: &Topic,
        after: Option<Position>,
        limit: usize,
        bounds: &LogBounds,
        generation: u64,
    ) -> Result<LogPage, BrokerError> {
        if let Some(log) = self.by_topic.get_mut(topic) {
            log.trim(Instant::now(), bounds);
        }
        let log = self.by_topic.get(topic);
        let skip = match after {
            None => 0,
            Some(position) => log
                .and_then(|log| log.entries_through(position))
                .or_else(|| self.vouches_for(position, log, generation).then_some(0))
                .ok_or(BrokerError::UnknownPosition { position })?,
        };
        Ok(match log {
            Some(log) => log.page(skip, limit),
            None => LogPage {
                entries: Vec::new(),
                more: false,
                newest: Position::from_parts(generation, 0),
            },
        })
    }

    /// Whether all that a topic has carried since the end of a log that had not begun is still
    /// here: no log was forgotten since, and the present one, if any, began later and is whole.
    fn vouches_for(&self, end: Position, log: Option<&TopicLog>, newest: u64) -> bool {
        let (generation, number) = end.parts();
        let whole = log.is_none_or(|log| log.generation() > generation && log.dropped() == 0);
        number == 0 && generation >= self.forgotten && generation <= newest && whole
    }

    /// Drops what is too old in every log, and forgets the logs in which nothing is left. Done at
    /// most once in the span of an entry's life, so that it costs little per publication and keeps
    /// nothing for longer than twice that span while anything is published.
    fn sweep(&mut self, now: Instant, bounds: &LogBounds) {
        let forgotten = &mut self.forgotten;
        let before = self.by_topic.len();
        self.by_topic.retain(|_, log| {
            log.trim(now, bounds);
            log.shrink();
            if log.is_empty() {
                *forgotten = (*forgotten).max(log.generation());
            }
            !log.is_empty()
        });
        self.by_topic.shrink_to(self.by_topic.len() * 2);
        self.swept = now;
        tracing::trace!(before, after = self.by_topic.len(), "swept topic logs");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{cell::Cell, time::Duration};

    use tokio::time::advance;

    use super::{Bytes, LogBounds, Logs, OnceKey, Position, Topic};

    const ORIGIN: u64 = 1_000;
    const AGE: Duration = Duration::from_secs(60);

    /// Logs, with what the network would give them.
    struct Kept {
        logs: Logs,
        bounds: LogBounds,
        generation: Cell<u64>,
        /// The key of what is appended.
        once: Option<OnceKey>,
    }

    impl Kept {
        fn new() -> Self {
            Self {
                logs: Logs::new(ORIGIN),
                bounds: LogBounds {
                    max_age: AGE,
                    ..LogBounds::default()
                },
                generation: Cell::new(ORIGIN),
                once: None,
            }
        }

        fn append(&mut self, topic: &str) -> Position {
            let topic = Topic::new(topic).unwrap();
            let next = || {
                self.generation.set(self.generation.get() + 1);
                self.generation.get()
            };
            let once = self.once;
            self.logs
                .append(&topic, Bytes::new(), once, &self.bounds, next)
        }

        /// How many entries follow, or nothing when the position is unknown.
        fn follow(&mut self, topic: &str, after: Position) -> Option<usize> {
            let topic = Topic::new(topic).unwrap();
            let newest = self.generation.get();
            let page = self
                .logs
                .read(&topic, Some(after), 100, &self.bounds, newest);
            page.ok().map(|page| page.entries.len())
        }

        fn newest(&mut self, topic: &str) -> Position {
            let topic = Topic::new(topic).unwrap();
            let newest = self.generation.get();
            let page = self.logs.read(&topic, None, 0, &self.bounds, newest);
            page.unwrap().newest
        }
    }

    #[tokio::test(start_paused = true)]
    async fn logs_that_hold_nothing_are_forgotten() {
        let mut kept = Kept::new();
        for n in 0..1_000 {
            kept.append(&n.to_string());
        }
        advance(AGE * 2).await;
        kept.append("fresh");
        assert_eq!(kept.logs.by_topic.len(), 1);
        assert!(kept.logs.by_topic.capacity() < 10);
    }

    #[tokio::test(start_paused = true)]
    async fn keys_are_forgotten_with_age_and_cost_nothing_then() {
        let mut kept = Kept::new();
        let key = OnceKey::new([1; 16]);
        kept.once = Some(key);
        // None of it is kept, so that the keys alone keep the log.
        kept.bounds.max_count = 0;
        let (a, bounds) = (Topic::new("a").unwrap(), kept.bounds.clone());
        let position = kept.append("a");
        advance(AGE).await;
        assert_eq!(kept.logs.taken(&a, key, &bounds), Some(position));
        advance(Duration::from_millis(1)).await;
        assert_eq!(kept.logs.taken(&a, key, &bounds), None);
        kept.append("a");
        advance(AGE * 2).await;
        kept.append("b");
        assert_eq!(kept.logs.by_topic.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_log_begun_again_neither_repeats_nor_guesses_positions() {
        let mut kept = Kept::new();
        let empty = kept.newest("a");
        let first = kept.append("a");
        advance(AGE * 2).await;
        kept.append("b");
        let between = kept.newest("a");
        assert!(empty < first && first < between);
        assert_eq!(kept.follow("a", between), Some(0));
        let second = kept.append("a");
        assert!(between < second);
        assert_eq!(kept.follow("a", between), Some(1));
        assert_eq!(kept.follow("a", second), Some(0));
        assert_eq!(kept.follow("a", first), None);
        assert_eq!(kept.follow("a", empty), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_position_of_an_earlier_process_is_unknown() {
        let mut kept = Kept::new();
        kept.append("a");
        for number in 0..3 {
            let earlier = Position::from_parts(ORIGIN - 1, number);
            assert_eq!(kept.follow("a", earlier), None);
            assert_eq!(kept.follow("never", earlier), None);
        }
    }
}
