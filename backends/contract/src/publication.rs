//! What goes out.

use bytes::Bytes;

use crate::{OnceKey, Position, Topic};

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
    /// By which the topic's log knows it when it comes again.
    ///
    /// With [`log`](Self::log), a topic's log that has taken a publication with this key within
    /// [`LogBounds::max_age`](crate::LogBounds::max_age) takes no second one, from whichever node
    /// it comes: nothing is appended, nothing is delivered, and the answer says
    /// [`duplicate`](Published::duplicate). What the second one carries is not looked at. The key
    /// is known for as long even where the bounds in count or bytes have dropped the first one.
    ///
    /// After that age a publication with the key is a new one. A backend may count the age from
    /// the last one that came with the key, taken or not, so whoever repeats without end may be
    /// told so without end.
    ///
    /// Keys of different topics are independent. A publication that was refused or failed does not
    /// use up its key; one that was answered with [`Timeout`](crate::BrokerError::Timeout) may
    /// have. Of several in a batch with the same topic and key, the first that is taken counts.
    ///
    /// Keys live where the log lives and are lost with it: where a log does not survive a restart
    /// of the broker, neither do they. What a backend's keys cost, and where they reach less far,
    /// its own documentation says.
    ///
    /// Without `log`, and on a backend without a log, it is ignored.
    pub once: Option<OnceKey>,
}

/// The broker's word that it has taken a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Where the topic's log keeps it; `None` when it is not in a log. Of a
    /// [duplicate](Self::duplicate), where the log has, or had, the first one, if the backend
    /// knows it, and else `None`.
    pub position: Option<Position>,
    /// Whether the topic's log had taken a publication with the same
    /// [key](Publication::once) before, so that nothing was done for this one.
    pub duplicate: bool,
}

impl Publication {
    /// A message that leaves no trace in a log.
    #[must_use]
    pub fn new(topic: Topic, payload: impl Into<Bytes>) -> Self {
        Self {
            topic,
            payload: payload.into(),
            log: false,
            once: None,
        }
    }

    /// The same message, kept in its topic's log.
    #[must_use]
    pub fn logged(self) -> Self {
        Self { log: true, ..self }
    }

    /// The same message, of which the log of its topic takes one with this key.
    #[must_use]
    pub fn once(self, key: OnceKey) -> Self {
        Self {
            once: Some(key),
            ..self
        }
    }
}
