//! The history of a topic, as it is read.

use std::time::Duration;

use bytes::Bytes;

use crate::Position;

/// How much of a topic's history is kept. What is over any of the three is dropped, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogBounds {
    /// Entries kept per topic. Zero keeps none.
    pub max_count: usize,
    /// Payload bytes kept per topic. An entry that is larger alone is delivered and not kept.
    pub max_bytes: usize,
    /// How long an entry is kept.
    pub max_age: Duration,
}

/// One kept publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Its place, the one its delivery carried.
    pub position: Position,
    /// What it carried.
    pub payload: Bytes,
}

/// A part of a topic's log.
///
/// Reading from the start to the end is a loop: read after the last entry's position for as long
/// as [`more`](Self::more) says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    /// Entries in order, without a hole between the position asked for and the last of them.
    pub entries: Vec<LogEntry>,
    /// Whether later entries were left out because of the limit.
    pub more: bool,
    /// The end of the log when it was read: the position to read after for someone who has
    /// everything the topic has carried so far.
    ///
    /// It is there even when the log holds nothing, and asking with a limit of zero reads it
    /// alone. A client that has received nothing yet resumes from the one it was given when it
    /// joined.
    pub newest: Position,
}

impl Default for LogBounds {
    /// 1,000 entries, 1 MiB, 5 minutes.
    fn default() -> Self {
        Self {
            max_count: 1_000,
            max_bytes: crate::MAX_PAYLOAD,
            max_age: Duration::from_secs(300),
        }
    }
}
