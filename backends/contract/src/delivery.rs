//! What comes in.

use bytes::Bytes;

use crate::{Position, Topic};

/// A message of a topic this node is subscribed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Where it was published.
    pub topic: Topic,
    /// What it carries, as it was published.
    pub payload: Bytes,
    /// Where the topic's log keeps it; `None` when it is not in a log.
    pub position: Option<Position>,
}

/// The backend was cut off: messages of these topics may be missing before this point.
///
/// It comes when the subscriptions are back, so that reading the log after it closes the hole, and
/// before any delivery of its topics that follows the hole: whoever heals knows the hole's near
/// edge by the last delivery before the gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Which topics may have lost something.
    pub topics: GapScope,
}

/// How far a [`Gap`] reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GapScope {
    /// Every topic this node is subscribed to.
    All,
    /// These topics.
    Topics(Vec<Topic>),
}

/// What an [`InboxShard`](crate::InboxShard) yields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inbound {
    /// A message.
    Delivery(Delivery),
    /// A possible hole in the messages.
    Gap(Gap),
}

impl Gap {
    /// Whether messages of this topic may be missing.
    #[must_use]
    pub fn covers(&self, topic: &Topic) -> bool {
        match &self.topics {
            GapScope::All => true,
            GapScope::Topics(topics) => topics.contains(topic),
        }
    }
}
