//! What the log of a topic is, as a list of all it has ever taken.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use mesahub_broker::{LogBounds, LogEntry, LogPage, Position, Published};
use proptest::test_runner::TestCaseError;
use proptest::{prop_assert, prop_assert_eq};

/// So small that each case reaches them, and an age that none does.
pub(crate) const BOUNDS: LogBounds = LogBounds {
    max_count: 8,
    max_bytes: 4 * 1024,
    max_age: Duration::from_secs(3_600),
};

/// The log of a topic.
#[derive(Default)]
pub(crate) struct List {
    taken: Vec<LogEntry>,
    /// How many of the oldest the bounds have dropped.
    dropped: usize,
    /// Each position that was given, what it stands for, and how many logs were empty by then.
    given: BTreeMap<Position, (usize, usize)>,
    /// Where what came with a key was put.
    keys: HashMap<u8, Position>,
    /// The highest position behind which nothing was said to be.
    end: Option<Position>,
}

/// What may be answered to a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// What follows the first so many.
    Page(usize),
    /// That the position is unknown: something behind it was dropped, or it was never given.
    Unknown,
    /// One or the other, where nothing behind the position was dropped and a backend is allowed
    /// not to be sure of that ("or might have been"), since none of what it still has shows it:
    /// - The entry at the position is dropped itself, and others follow.
    /// - The position was given before the first entry, and as many are kept now as may be.
    /// - No entry of it is kept, and since it was given another log lost its last one: with it a
    ///   backend may forget whose it was.
    /// - The position was not given for this topic, but lies among those that were, or hardly above.
    ///   No backend keeps account of what it has given, so it may take it for one of them. Then
    ///   the answer has all that lies behind it, and nothing that comes later may lie before it.
    Either(usize),
}

impl List {
    /// Enters what a publication was answered with, and says whether the log is empty now, since
    /// the bounds do not allow its newest entry. `emptied` tells how often that was so of any log.
    pub(crate) fn enter(
        &mut self,
        payload: Bytes,
        key: Option<u8>,
        answer: Published,
        emptied: usize,
    ) -> Result<bool, TestCaseError> {
        let first = key.and_then(|key| self.keys.get(&key).copied());
        prop_assert_eq!(answer.duplicate, first.is_some(), "of key {:?}", key);
        if let Some(first) = first {
            let place = answer.position.unwrap_or(first);
            prop_assert_eq!(place, first, "a duplicate is where the first one is");
            return Ok(false);
        }
        let position = answer.position;
        prop_assert!(position > self.end, "{position:?} after {:?}", self.end);
        let Some(position) = position else {
            return Err(TestCaseError::fail("what is kept has a position"));
        };
        self.taken.push(LogEntry { position, payload });
        self.trim();
        let is_empty = self.kept() == 0;
        let emptied = emptied + usize::from(is_empty);
        self.given.insert(position, (self.taken.len(), emptied));
        self.end = Some(position);
        if let Some(key) = key {
            self.keys.insert(key, position);
        }
        Ok(is_empty)
    }

    fn trim(&mut self) {
        let is_over = |kept: &[LogEntry]| {
            let bytes: usize = kept.iter().map(|entry| entry.payload.len()).sum();
            kept.len() > BOUNDS.max_count || bytes > BOUNDS.max_bytes
        };
        while is_over(&self.taken[self.dropped..]) {
            self.dropped += 1;
        }
    }

    /// What may be answered to a read after a position, while logs were emptied so often.
    pub(crate) fn allowed(&self, after: Option<Position>, emptied: usize) -> Allowed {
        let Some(position) = after else {
            return Allowed::Page(self.dropped);
        };
        let Some(&(through, before)) = self.given.get(&position) else {
            let through = |entry: &LogEntry| entry.position <= position;
            let through = self.taken.partition_point(through);
            return match through < self.dropped {
                true => Allowed::Unknown,
                false => Allowed::Either(through),
            };
        };
        let is_last = through == self.taken.len();
        let is_whole = self.dropped == 0 && self.kept() < BOUNDS.max_count;
        match through {
            _ if through < self.dropped => Allowed::Unknown,
            _ if through > self.dropped => Allowed::Page(through),
            _ if (is_last || is_whole) && before == emptied => Allowed::Page(through),
            _ => Allowed::Either(through),
        }
    }

    /// That a page is what follows the first so many.
    pub(crate) fn check(
        &mut self,
        page: &LogPage,
        through: usize,
        after: Option<Position>,
        limit: usize,
        emptied: usize,
    ) -> Result<(), TestCaseError> {
        let follow = &self.taken[through..];
        let expected = &follow[..limit.min(follow.len())];
        prop_assert_eq!(places(&page.entries), places(expected));
        prop_assert!(page.entries == expected, "a payload has changed");
        prop_assert_eq!(page.more, follow.len() > limit, "more");
        let last = self.taken.last().map(|entry| entry.position);
        let is_given = after.is_none_or(|after| self.given.contains_key(&after));
        if self.kept() > 0 && is_given {
            prop_assert_eq!(Some(page.newest), last, "the newest position");
        }
        prop_assert!(Some(page.newest) >= last, "newest before the last one");
        if is_given {
            let all = self.taken.len();
            let (given, _) = *self.given.entry(page.newest).or_insert((all, emptied));
            prop_assert_eq!(given, all, "{:?} stands for two places", page.newest);
        }
        // Nothing may be put before a place from which reading goes on.
        self.end = self.end.max(Some(page.newest)).max(after);
        Ok(())
    }

    /// The positions that were given, rising.
    pub(crate) fn given(&self) -> Vec<Position> {
        self.given.keys().copied().collect()
    }

    /// How many entries are kept.
    pub(crate) fn kept(&self) -> usize {
        self.taken.len() - self.dropped
    }

    /// How many entries were dropped.
    pub(crate) fn dropped(&self) -> usize {
        self.dropped
    }
}

/// The entries by place and size, since payloads would fill pages.
impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (dropped, kept) = self.taken.split_at(self.dropped);
        f.debug_struct("List")
            .field("dropped", &places(dropped))
            .field("kept", &places(kept))
            .finish_non_exhaustive()
    }
}

/// Where entries are, and how many bytes each carries.
fn places(entries: &[LogEntry]) -> Vec<(Position, usize)> {
    let place = |entry: &LogEntry| (entry.position, entry.payload.len());
    entries.iter().map(place).collect()
}
