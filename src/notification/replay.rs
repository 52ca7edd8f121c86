//! What a client missed, read from the log of a channel.

use mesahub_broker::{BrokerError, LogEntry};
use mesahub_protocol::{Envelope, Protocol};
use serde::Serialize;
use serde_json::Value;

use crate::hub::Hub;
use crate::notification::{id::NotificationId, realtime::invocation};

/// The most notifications in one answer.
const MOST: usize = 500;

/// The most bytes of notifications in one answer, unless a single one is larger. Far less than an
/// outbox holds, so that the answer itself closes no connection.
const MOST_BYTES: usize = 256 * 1024;

/// Entries read from a log at a time.
const PAGE: usize = 256;

/// What one channel has carried since the notification that the client names.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resumed {
    /// The later notifications, in order, as they were sent.
    pub notifications: Vec<Value>,
    /// The client method that each of them called.
    pub targets: Vec<String>,
    /// Why nothing can be said of what was missed, so that the client must fetch its state anew;
    /// null when nothing is lost.
    pub lost: Option<LostReason>,
    /// Whether there are further ones. The client asks again, with the id of the last that it has.
    pub more: bool,
}

/// Why a channel cannot be resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum LostReason {
    /// The log does not hold the notification that the client names: it never went to this
    /// channel, or it is too long ago.
    UnknownPosition,
    /// There is no log, or it cannot be read now.
    Unavailable,
    /// The connection is not in the channel.
    NotMember,
}

/// How much more fits into one answer.
#[derive(Debug)]
pub(crate) struct Replay {
    notifications: usize,
    bytes: usize,
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
    pub(crate) fn new() -> Self {
        Self {
            notifications: MOST,
            bytes: MOST_BYTES,
        }
    }

    /// Reads what followed `last` in a group, as far as it still fits.
    pub(crate) async fn after(&mut self, hub: &Hub, group: &str, last: NotificationId) -> Resumed {
        match self.read(hub, group, last).await {
            Ok(resumed) => resumed,
            Err(BrokerError::UnknownPosition { .. }) => Resumed::lost(LostReason::UnknownPosition),
            Err(error) => {
                if !matches!(error, BrokerError::LogUnsupported) {
                    tracing::warn!(%group, %error, "the log of a channel cannot be read");
                }
                Resumed::lost(LostReason::Unavailable)
            }
        }
    }

    async fn read(
        &mut self,
        hub: &Hub,
        group: &str,
        last: NotificationId,
    ) -> Result<Resumed, BrokerError> {
        let Ok(topic) = hub.topics().group(group) else {
            return Ok(Resumed::lost(LostReason::UnknownPosition));
        };
        let mut resumed = Resumed::default();
        let (mut found, mut after) = (false, None);
        loop {
            let page = hub.node().broker().read_log(&topic, after, PAGE).await?;
            for entry in &page.entries {
                after = Some(entry.position);
                if !found {
                    found = id_of(entry) == Some(last);
                } else if !self.add(entry, &mut resumed) {
                    resumed.more = true;
                    return Ok(resumed);
                }
            }
            if !page.more || page.entries.is_empty() {
                break;
            }
        }
        if found {
            Ok(resumed)
        } else {
            Ok(Resumed::lost(LostReason::UnknownPosition))
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
        self.notifications -= 1;
        self.bytes = self.bytes.saturating_sub(message.len());
        resumed.notifications.push(notification);
        resumed.targets.push(call.target.into_owned());
        true
    }
}

fn id_of(entry: &LogEntry) -> Option<NotificationId> {
    let envelope = Envelope::decode(&entry.payload).ok()?;
    envelope
        .extension
        .message_id
        .map(NotificationId::from_bytes)
}
