//! The log of one topic: a ring bounded in count, bytes and age.

use std::collections::VecDeque;

use bytes::Bytes;
use mesahub_broker::{LogBounds, LogEntry, LogPage, OnceKey, Position};
use tokio::time::Instant;

use crate::keys::Keys;

/// The kept publications of one topic.
///
/// A position is the log's generation and a number that counts from one. A log that is forgotten
/// and begun again has a higher generation, so positions never come twice and keep rising.
pub(crate) struct TopicLog {
    generation: u64,
    /// Number of the newest publication, kept or not.
    last: u64,
    /// Payload bytes in the ring.
    bytes: usize,
    ring: VecDeque<Kept>,
    /// Absent for as long as nothing has come with one.
    keys: Option<Box<Keys>>,
}

struct Kept {
    payload: Bytes,
    at: Instant,
}

impl TopicLog {
    pub(crate) fn new(generation: u64) -> Self {
        Self {
            generation,
            last: 0,
            bytes: 0,
            ring: VecDeque::new(),
            keys: None,
        }
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether nothing is kept any more, and no key known.
    pub(crate) fn is_empty(&self) -> bool {
        self.ring.is_empty() && self.keys.is_none()
    }

    /// Where the publication went that came with this key.
    pub(crate) fn taken(
        &mut self,
        key: OnceKey,
        now: Instant,
        bounds: &LogBounds,
    ) -> Option<Position> {
        self.expire_keys(now, bounds);
        let number = self.keys.as_ref()?.number(key)?;
        Some(self.position(number))
    }

    /// Takes the key of the newest publication.
    pub(crate) fn take(&mut self, key: OnceKey, now: Instant) {
        let last = self.last;
        self.keys.get_or_insert_default().insert(key, last, now);
    }

    /// The position of the newest publication.
    pub(crate) fn newest(&self) -> Position {
        self.position(self.last)
    }

    pub(crate) fn append(&mut self, payload: Bytes, now: Instant, bounds: &LogBounds) -> Position {
        self.last += 1;
        self.bytes += payload.len();
        self.ring.push_back(Kept { payload, at: now });
        self.trim(now, bounds);
        self.newest()
    }

    /// Drops what is over a bound, oldest first.
    pub(crate) fn trim(&mut self, now: Instant, bounds: &LogBounds) {
        self.expire_keys(now, bounds);
        while let Some(oldest) = self.ring.front() {
            let within = self.ring.len() <= bounds.max_count
                && self.bytes <= bounds.max_bytes
                && now.duration_since(oldest.at) <= bounds.max_age;
            if within {
                break;
            }
            self.bytes -= oldest.payload.len();
            self.ring.pop_front();
        }
    }

    fn expire_keys(&mut self, now: Instant, bounds: &LogBounds) {
        let expire = |keys: &mut Box<Keys>| keys.expire(now, bounds.max_age);
        if self.keys.as_mut().is_some_and(expire) {
            self.keys = None;
        }
    }

    /// Gives back spare room.
    pub(crate) fn shrink(&mut self) {
        self.ring.shrink_to(self.ring.len() * 2);
        if let Some(keys) = &mut self.keys {
            keys.shrink();
        }
    }

    /// The number up to which everything has been dropped; zero when nothing has.
    pub(crate) fn dropped(&self) -> u64 {
        self.last - self.ring.len() as u64
    }

    /// How many kept entries lie at or before a position of this log; `None` when what followed it
    /// is not all here, or nothing was ever there.
    pub(crate) fn entries_through(&self, after: Position) -> Option<usize> {
        let (generation, number) = after.parts();
        let issued = generation == self.generation && (1..=self.last).contains(&number);
        if !issued {
            return None;
        }
        let entries = number.checked_sub(self.dropped())?;
        usize::try_from(entries).ok()
    }

    /// At most `limit` entries, without the first `skip`.
    pub(crate) fn page(&self, skip: usize, limit: usize) -> LogPage {
        let first = self.dropped() + 1;
        let entries: Vec<_> = (first..)
            .zip(&self.ring)
            .skip(skip)
            .take(limit)
            .map(|(number, kept)| LogEntry {
                position: self.position(number),
                payload: kept.payload.clone(),
            })
            .collect();
        LogPage {
            more: skip + entries.len() < self.ring.len(),
            entries,
            newest: self.newest(),
        }
    }

    fn position(&self, number: u64) -> Position {
        Position::from_parts(self.generation, number)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use proptest::prelude::{Strategy, any, prop_oneof, proptest};

    use super::{Bytes, Instant, LogBounds, LogEntry, Position, TopicLog};

    const BOUNDS: LogBounds = LogBounds {
        max_count: 5,
        max_bytes: 40,
        max_age: Duration::from_secs(10),
    };

    #[derive(Debug, Clone)]
    enum Step {
        Append(usize),
        Pass(u64),
        Read(u64, usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0_usize..50).prop_map(Step::Append),
            (0_u64..6).prop_map(Step::Pass),
            (0_u64..40, any::<u8>()).prop_map(|(n, limit)| Step::Read(n, limit.into())),
        ]
    }

    /// What a log would be if it were a plain list of everything ever appended.
    #[derive(Default)]
    struct Model {
        all: Vec<(usize, u64)>,
        dropped: usize,
    }

    impl Model {
        fn trim(&mut self, now: u64) {
            let over = |kept: &[(usize, u64)]| {
                kept.len() > BOUNDS.max_count
                    || kept.iter().map(|(size, _)| size).sum::<usize>() > BOUNDS.max_bytes
                    || kept.first().is_some_and(|(_, at)| now - at > 10)
            };
            while over(&self.all[self.dropped..]) {
                self.dropped += 1;
            }
        }
    }

    proptest! {
        #[test]
        fn the_log_is_the_end_of_a_list(steps in proptest::collection::vec(step(), 1..100)) {
            let start = Instant::now();
            let (mut log, mut model, mut clock) = (TopicLog::new(9), Model::default(), 0);
            for step in steps {
                let now = start + Duration::from_secs(clock);
                match step {
                    Step::Pass(seconds) => clock += seconds,
                    Step::Append(size) => {
                        model.all.push((size, clock));
                        let position = log.append(vec![0; size].into(), now, &BOUNDS);
                        assert_eq!(position, Position::from_parts(9, model.all.len() as u64));
                    }
                    Step::Read(number, limit) => {
                        log.trim(now, &BOUNDS);
                        model.trim(clock);
                        let skip = log.entries_through(Position::from_parts(9, number));
                        let number = number as usize;
                        let known = number >= model.dropped.max(1) && number <= model.all.len();
                        assert_eq!(skip, known.then(|| number - model.dropped));
                        let Some(skip) = skip else { continue };
                        let page = log.page(skip, limit);
                        let follow = &model.all[number..];
                        assert_eq!(page.more, follow.len() > limit);
                        let expected: Vec<_> = (number as u64 + 1..)
                            .zip(follow)
                            .take(limit)
                            .map(|(number, (size, _))| LogEntry {
                                position: Position::from_parts(9, number),
                                payload: Bytes::from(vec![0; *size]),
                            })
                            .collect();
                        assert_eq!(page.entries, expected);
                    }
                }
                model.trim(clock);
            }
        }
    }

    #[test]
    fn an_entry_over_the_byte_bound_is_counted_and_not_kept() {
        let mut log = TopicLog::new(1);
        let position = log.append(vec![0; 41].into(), Instant::now(), &BOUNDS);
        assert!(log.is_empty());
        assert_eq!(log.newest(), position);
        assert_eq!(log.entries_through(position), Some(0));
    }

    #[test]
    fn a_position_of_another_generation_is_unknown() {
        let mut log = TopicLog::new(2);
        log.append(Bytes::new(), Instant::now(), &BOUNDS);
        assert_eq!(log.entries_through(Position::from_parts(1, 1)), None);
        assert_eq!(log.entries_through(Position::from_parts(3, 1)), None);
        assert_eq!(log.entries_through(Position::from_parts(2, 1)), Some(1));
    }
}
