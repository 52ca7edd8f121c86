//! The keys of what the log has taken, by which what comes again is left out.
//!
//! Every node reads the same stream in the same order, so every node leaves out the same: whether
//! something comes again follows from what stands before it in the stream, and from how far apart
//! by their own times the two were sent. Of what comes again the newest time counts: so no more of
//! the stream than an age before it has to be known, and a node that begins to read later agrees
//! with those that have read all.

use std::collections::{HashMap, VecDeque};

use aws_lc_rs::digest::{Context, SHA256};
use mesahub_broker::OnceKey;

/// The most keys of all topics together: 1,048,576, which take up to 100 MiB.
pub(crate) const MOST: usize = 1 << 20;

/// For how long more than the age a key is known, in milliseconds, for clocks that differ.
const MARGIN: u64 = 60_000;

/// The keys that were taken. One takes 60 to 125 bytes, and 24 to 48 more each time that it comes
/// again.
#[derive(Debug)]
pub(crate) struct Keys {
    /// How many are held at most; beyond, the oldest are forgotten.
    most: usize,
    taken: HashMap<Name, Taken>,
    /// What has come, in order, with its time.
    order: VecDeque<(u64, Name)>,
    /// The newest time so far.
    newest: u64,
}

/// A topic and a key: the beginning of their SHA-256.
type Name = [u8; 16];

#[derive(Debug)]
struct Taken {
    /// The place of the first one.
    place: u64,
    /// The newest time of all.
    at: u64,
}

impl Keys {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            taken: HashMap::new(),
            order: VecDeque::new(),
            newest: 0,
        }
    }

    /// Takes a key, or tells the place of the one that had it. Times are milliseconds since 1970,
    /// by the clock of whoever sent it; `age` is how far apart two have to be sent.
    pub(crate) fn take(
        &mut self,
        topic: &str,
        key: OnceKey,
        place: u64,
        at: u64,
        age: u64,
    ) -> Option<u64> {
        let name = name(topic, key);
        self.newest = self.newest.max(at);
        self.expire(age);
        self.order.push_back((at, name));
        let taken = self.taken.entry(name).or_insert(Taken { place, at });
        let known = taken.place != place && at <= taken.at.saturating_add(age);
        if !known {
            taken.place = place;
        }
        taken.at = taken.at.max(at);
        known.then_some(taken.place)
    }

    fn expire(&mut self, age: u64) {
        let oldest = self.newest.saturating_sub(age.saturating_add(MARGIN));
        while let Some((at, name)) = self.order.front().copied() {
            if at >= oldest && self.order.len() < self.most {
                return self.shrink();
            }
            self.order.pop_front();
            // It may have come again since.
            if self.taken.get(&name).is_some_and(|taken| taken.at <= at) {
                self.taken.remove(&name);
            }
        }
        *self = Self {
            newest: self.newest,
            ..Self::new(self.most)
        };
    }

    /// Gives memory back after a crowd has left.
    fn shrink(&mut self) {
        let (held, room) = (self.taken.len(), self.taken.capacity());
        if room > 1_024 && held < room / 8 {
            self.taken.shrink_to(2 * held);
            self.order.shrink_to(2 * self.order.len());
        }
    }
}

fn name(topic: &str, key: OnceKey) -> Name {
    let mut digest = Context::new(&SHA256);
    digest.update(key.as_bytes());
    digest.update(topic.as_bytes());
    let mut name = [0; 16];
    name.copy_from_slice(&digest.finish().as_ref()[..16]);
    name
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::{Strategy, proptest};

    use super::{Keys, MARGIN, MOST, OnceKey};

    const AGE: u64 = 10_000;

    fn take(keys: &mut Keys, topic: &str, key: u8, place: u64, at: u64) -> Option<u64> {
        keys.take(topic, OnceKey::new([key; 16]), place, at, AGE)
    }

    #[test]
    fn a_key_is_taken_once_for_each_topic_until_its_age_has_passed() {
        let mut keys = Keys::new(MOST);
        assert_eq!(take(&mut keys, "a", 1, 1, 5_000), None);
        assert_eq!(take(&mut keys, "b", 1, 2, 5_000), None);
        assert_eq!(take(&mut keys, "a", 2, 3, 5_000), None);
        assert_eq!(take(&mut keys, "a", 1, 4, 5_000 + AGE), Some(1));
        assert_eq!(take(&mut keys, "a", 1, 5, 5_001 + 2 * AGE), None);
        assert_eq!(take(&mut keys, "a", 1, 6, 5_000), Some(5));
    }

    #[test]
    fn keys_that_are_too_old_or_too_many_are_forgotten() {
        let mut keys = Keys::new(MOST);
        for place in 0..10 {
            let at = place * AGE;
            assert_eq!(take(&mut keys, "a", place as u8, place, at), None);
        }
        let held = (MARGIN + AGE) / AGE + 1;
        assert_eq!(keys.taken.len() as u64, held);
        let mut many = Keys::new(100);
        for place in 0..110 {
            assert_eq!(take(&mut many, "a", place as u8, place, 0), None);
        }
        assert_eq!((many.taken.len(), many.order.len()), (100, 100));
        assert_eq!(take(&mut many, "a", 109, 110, 0), Some(109));
        assert_eq!(take(&mut many, "a", 0, 111, 0), None);
    }

    /// What is in a stream: a key, and how long after the one before it was sent.
    fn stream() -> impl Strategy<Value = Vec<(u8, u64)>> {
        proptest::collection::vec((0_u8..4, 0..AGE / 2), 1..60)
    }

    proptest! {
        /// The promise on which nodes agree: of what is at most an age old, a node that has read
        /// two ages of the stream leaves out what a node leaves out that has read all.
        #[test]
        fn whoever_begins_to_read_two_ages_back_leaves_out_the_same(stream in stream()) {
            let mut at = 1_000_000;
            let sent: Vec<_> = stream
                .iter()
                .map(|(key, later)| {
                    at += later;
                    (*key, at)
                })
                .collect();
            let mut whole = Keys::new(MOST);
            let mut late = Keys::new(MOST);
            for (place, (key, sent)) in sent.iter().enumerate() {
                let place = place as u64;
                let by_whole = take(&mut whole, "a", *key, place, *sent);
                if *sent + 2 * AGE >= at {
                    let by_late = take(&mut late, "a", *key, place, *sent);
                    if sent + AGE >= at {
                        assert_eq!(by_whole.is_some(), by_late.is_some());
                    }
                }
            }
        }
    }
}
