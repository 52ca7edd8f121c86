//! What goes out.

use bytes::Bytes;

use crate::{Position, Topic};

/// The largest payload every backend takes whole, in bytes: 1 MiB.
pub const MAX_PAYLOAD: usize = 1024 * 1024;

/// A message for a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Where it goes.
    pub topic: Topic,
    /// What it carries; opaque to the backend. At most [`MAX_PAYLOAD`] bytes.
    pub payload: Bytes,
    /// Whether to keep it in the topic's log. A backend without a log delivers it all the same,
    /// with no position.
    pub log: bool,
}

/// The broker's word that it has taken a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Where the topic's log keeps it; `None` when it is not in a log.
    pub position: Option<Position>,
}

impl Publication {
    /// A message that leaves no trace in a log.
    #[must_use]
    pub fn new(topic: Topic, payload: impl Into<Bytes>) -> Self {
        Self {
            topic,
            payload: payload.into(),
            log: false,
        }
    }

    /// The same message, kept in its topic's log.
    #[must_use]
    pub fn logged(self) -> Self {
        Self { log: true, ..self }
    }
}
