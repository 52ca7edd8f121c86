//! The log of one topic: what its bounds have left of it.

use std::collections::VecDeque;

use bytes::Bytes;
use mesahub_broker::{LogBounds, LogEntry, LogPage, Position};

/// The kept publications of one topic, by their place in the stream.
#[derive(Debug)]
pub(crate) struct TopicLog {
    ring: VecDeque<Kept>,
    bytes: usize,
    /// The place of the newest one that was dropped.
    dropped: u64,
}

#[derive(Debug)]
struct Kept {
    place: u64,
    at: u64,
    payload: Bytes,
}

/// What was dropped.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dropped {
    pub(crate) entries: usize,
    pub(crate) bytes: usize,
}

impl TopicLog {
    /// An empty one, of which something may have been dropped up to a place.
    pub(crate) fn new(dropped: u64) -> Self {
        Self {
            ring: VecDeque::new(),
            bytes: 0,
            dropped,
        }
    }

    pub(crate) fn push(&mut self, place: u64, at: u64, payload: Bytes) {
        self.bytes += payload.len();
        self.ring.push_back(Kept { place, at, payload });
    }

    /// Drops what is over the bounds in count and bytes, oldest first.
    pub(crate) fn trim(&mut self, bounds: &LogBounds) -> Dropped {
        let mut all = Dropped::default();
        while !self.ring.is_empty()
            && (self.ring.len() > bounds.max_count || self.bytes > bounds.max_bytes)
        {
            let one = self.drop_first();
            all.entries += one.entries;
            all.bytes += one.bytes;
        }
        all
    }

    pub(crate) fn drop_first(&mut self) -> Dropped {
        let Some(first) = self.ring.pop_front() else {
            return Dropped::default();
        };
        self.dropped = first.place;
        self.bytes -= first.payload.len();
        Dropped {
            entries: 1,
            bytes: first.payload.len(),
        }
    }

    /// The place and the time of the oldest one.
    pub(crate) fn first(&self) -> Option<(u64, u64)> {
        self.ring.front().map(|kept| (kept.place, kept.at))
    }

    /// Up to where something may have been dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// At most `limit` entries behind a place.
    pub(crate) fn page(
        &self,
        after: u64,
        limit: usize,
        position: impl Fn(u64) -> Position,
    ) -> LogPage {
        let skip = self.ring.partition_point(|kept| kept.place <= after);
        let entries: Vec<_> = self.ring.iter().skip(skip).take(limit).collect();
        LogPage {
            more: skip + entries.len() < self.ring.len(),
            newest: position(self.ring.back().map_or(self.dropped, |kept| kept.place)),
            entries: entries
                .into_iter()
                .map(|kept| LogEntry {
                    position: position(kept.place),
                    payload: kept.payload.clone(),
                })
                .collect(),
        }
    }
}
