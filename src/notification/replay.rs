//! What a client missed, read from the log of a channel.

use std::collections::HashSet;

use mesahub_broker::{BrokerError, LogEntry, Position, Topic};
use mesahub_protocol::{Envelope, Extension, Protocol};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::hub::{Caller, Hub, LostReason};
use crate::notification::{id::NotificationId, place::Place, realtime::invocation};

/// The most notifications in one answer.
const MOST: usize = 500;

/// The most bytes of notifications in one answer, unless a single one is larger. Far less than an
/// outbox holds, so that the answer itself closes no connection.
const MOST_BYTES: usize = 256 * 1024;

/// Entries read from a log at a time.
const PAGE: usize = 256;

/// What one channel has carried since the place that the client names.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resumed {
    /// The later notifications, in order, as they were sent. One that went to several channels of
    /// the same answer is in the first of them.
    pub notifications: Vec<Value>,
    /// The client method that each of them called.
    pub targets: Vec<String>,
    /// Why nothing can be said of what was missed, so that the client must fetch its state anew;
    /// null when nothing is lost.
    pub lost: Option<LostReason>,
    /// Whether there are further ones. The client asks again at once, with the position.
    pub more: bool,
    /// Where the client is now, as text that may be named in place of the id of a notification,
    /// also when it has received none; null when it is not known.
    #[serde(serialize_with = "as_text")]
    pub position: Option<Position>,
}

/// How much more fits into one answer, and what is in it already.
#[derive(Debug)]
pub(crate) struct Replay {
    caller: Caller,
    notifications: usize,
    bytes: usize,
    given: HashSet<NotificationId>,
}

impl Resumed {
    /// An answer that only says why there is none.
    #[must_use]
    pub fn lost(reason: LostReason) -> Self {
        Self {
            lost: Some(reason),
            ..Self::default()
        }
    }
}

impl Replay {
    pub(crate) fn new(caller: Caller) -> Self {
        Self {
            caller,
            notifications: MOST,
            bytes: MOST_BYTES,
            given: HashSet::new(),
        }
    }

    /// Reads what followed a place in a topic, as far as it still fits.
    pub(crate) async fn after(&mut self, topic: &Topic, place: Place) -> Resumed {
        let hub = &self.caller.hub().clone();
        let from = match place {
            Place::Position(position) => Ok(Some(position)),
            Place::Notification(last) => find(hub, topic, last).await,
        };
        let read = match from {
            Ok(Some(position)) => self.read(topic, position).await,
            Ok(None) => lost(hub, topic, place).await,
            Err(error) => Err(error),
        };
        let read = match read {
            Err(BrokerError::UnknownPosition { .. }) => lost(hub, topic, place).await,
            answer => answer,
        };
        read.unwrap_or_else(|error| {
            if !matches!(error, BrokerError::LogUnsupported) {
                tracing::warn!(%topic, %error, "the log of a channel cannot be read");
            }
            Resumed::lost(LostReason::Unavailable)
        })
    }

    /// Reads on from a position that the topic has issued.
    async fn read(&mut self, topic: &Topic, from: Position) -> Result<Resumed, BrokerError> {
        let mut resumed = Resumed {
            position: Some(from),
            ..Resumed::default()
        };
        let mut after = from;
        loop {
            let broker = self.caller.hub().node().broker();
            let page = broker.read_log(topic, Some(after), PAGE).await?;
            for entry in &page.entries {
                if !self.add(entry, &mut resumed) {
                    resumed.more = true;
                    return Ok(resumed);
                }
                after = entry.position;
                resumed.position = Some(after);
            }
            if !page.more || page.entries.is_empty() {
                resumed.position = Some(page.newest);
                return Ok(resumed);
            }
        }
    }

    /// Adds an entry, unless it no longer fits.
    fn add(&mut self, entry: &LogEntry, resumed: &mut Resumed) -> bool {
        let envelope = Envelope::decode(&entry.payload).ok();
        let Some(message) = envelope.as_ref().and_then(|e| e.message(Protocol::Json)) else {
            return true;
        };
        let Some(call) = invocation(message) else {
            return true;
        };
        let Some(Ok(notification)) = call.arguments.first().map(|argument| argument.decode())
        else {
            return true;
        };
        let alone = self.notifications == MOST;
        if self.notifications == 0 || (message.len() > self.bytes && !alone) {
            self.notifications = 0;
            return false;
        }
        if id_of(entry).is_some_and(|id| !self.given.insert(id)) {
            return true;
        }
        if let Some(Extension {
            dedupe: true,
            message_id: Some(id),
            ..
        }) = envelope.as_ref().map(|envelope| &envelope.extension)
        {
            // Its copies in other channels are not for this connection any more.
            self.caller.has(*id);
        }
        self.notifications -= 1;
        self.bytes = self.bytes.saturating_sub(message.len());
        resumed.notifications.push(notification);
        resumed.targets.push(call.target.into_owned());
        true
    }
}

/// Where a notification is in a log. The log is bounded, and so is the search.
async fn find(
    hub: &Hub,
    topic: &Topic,
    last: NotificationId,
) -> Result<Option<Position>, BrokerError> {
    let mut after = None;
    loop {
        let page = hub.node().broker().read_log(topic, after, PAGE).await?;
        if let Some(found) = page.entries.iter().find(|entry| id_of(entry) == Some(last)) {
            return Ok(Some(found.position));
        }
        let end = page.entries.last().map(|entry| entry.position);
        match end {
            Some(end) if page.more => after = Some(end),
            _ => return Ok(None),
        }
    }
}

/// Why a place is not in a log, and where the log ends, so that the client can go on from there.
async fn lost(hub: &Hub, topic: &Topic, place: Place) -> Result<Resumed, BrokerError> {
    let page = hub.node().broker().read_log(topic, None, 1).await?;
    let is_older = page.entries.first().is_some_and(|oldest| match place {
        Place::Position(position) => position < oldest.position,
        // Ids begin with the time at which they were made.
        Place::Notification(last) => id_of(oldest).is_some_and(|oldest| last < oldest),
    });
    let reason = match is_older {
        true => LostReason::TooOld,
        false => LostReason::UnknownPosition,
    };
    Ok(Resumed {
        position: Some(page.newest),
        ..Resumed::lost(reason)
    })
}

fn id_of(entry: &LogEntry) -> Option<NotificationId> {
    let envelope = Envelope::decode(&entry.payload).ok()?;
    envelope
        .extension
        .message_id
        .map(NotificationId::from_bytes)
}

/// A position as JSON text, whose number would not fit a JSON number.
pub(super) fn as_text<S: Serializer>(
    position: &Option<Position>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match position {
        Some(position) => serializer.collect_str(position),
        None => serializer.serialize_none(),
    }
}
