//! What the notification service counts.

use crate::hub::counters::Counter;
use crate::notification::{error::NotifyError, id::NotificationId};

/// Monotonic counters of one service, in notifications.
#[derive(Debug, Default)]
pub struct NotificationCounters {
    /// Taken from a caller.
    pub accepted: Counter,
    /// Taken by the backplane.
    pub published: Counter,
    /// Tried again; one that is tried again twice counts twice.
    pub retried: Counter,
    /// Given up and put among the dead letters.
    pub given_up: Counter,
    /// Refused because too many were waiting.
    pub refused: Counter,
    /// Answered with the id of an earlier one, whose idempotency key they carried.
    pub repeated: Counter,
}

impl NotificationCounters {
    /// Counts what became of notifications with these ids.
    pub(crate) fn tell(
        &self,
        ids: &[NotificationId],
        answers: &[Result<NotificationId, NotifyError>],
    ) {
        for (id, answer) in ids.iter().zip(answers) {
            match answer {
                Ok(told) if told == id => self.accepted.add(1),
                Ok(_) => self.repeated.add(1),
                Err(NotifyError::Overloaded | NotifyError::Journal(_)) => self.refused.add(1),
                Err(_) => {}
            }
        }
    }
}
