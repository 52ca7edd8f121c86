//! What can go wrong with a notification.

use mesahub_broker::BrokerError;
use thiserror::Error;

use crate::hub::{ClusterError, ConnectionId, GroupError, SendError};
use crate::journal::JournalError;

/// A text that came from outside cannot be part of a notification.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ContentError {
    /// A label is empty, too long or holds control characters.
    #[error(
        "a text of {length} characters{}; expected 1 to 200 characters without control characters",
        if *.control { " with control characters" } else { "" }
    )]
    Label {
        /// How many characters it has.
        length: usize,
        /// Whether there is a control character among them.
        control: bool,
    },
    /// The name of a client method is not one.
    #[error("the event type is no name; expected 1 to 100 ASCII letters, digits, '_', '.' or '-'")]
    EventName,
    /// There is too much metadata.
    #[error(
        "the metadata is too large; expected at most 32 entries with names of 1 to 64 characters \
         and texts of at most 1024"
    )]
    Metadata,
    /// A role that cannot be addressed.
    #[error("'{role}' is no role to broadcast to; expected 'Admin' or 'Staff'")]
    Role {
        /// The role, escaped and cut to 64 characters.
        role: String,
    },
}

/// A notification was not accepted, or another operation of the service failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NotifyError {
    /// It could not be encoded, addressed or handed to the backplane.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The queue of accepted notifications is full; nothing was taken.
    #[error("too many notifications wait for the backplane; try again later")]
    Overloaded,
    /// The journal cannot keep it; nothing was taken.
    #[error("{0}")]
    Journal(String),
    /// Another notification was accepted with this idempotency key.
    #[error("the idempotency key was used for another notification")]
    KeyReused,
    /// A notification with this idempotency key is being published; repeat it when that is over.
    #[error("a notification with this idempotency key is being published")]
    InProgress,
    /// The service has been closed and takes nothing more.
    #[error("the notification service is closed")]
    Closed,
    /// A connection could not be added to a channel or removed from it.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// The channel belongs to another tenant than the connection.
    #[error("the channel belongs to another tenant than the connection '{0}'")]
    OtherTenant(ConnectionId),
}

impl NotifyError {
    /// Whether the same call may succeed later with nothing changed but time.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Send(error) => error.is_retryable(),
            Self::Overloaded | Self::Journal(_) | Self::InProgress => true,
            Self::Group(error) => error.is_retryable(),
            Self::Closed | Self::KeyReused | Self::OtherTenant(_) => false,
        }
    }
}

impl From<ClusterError> for NotifyError {
    fn from(error: ClusterError) -> Self {
        Self::Group(error.into())
    }
}

impl From<BrokerError> for NotifyError {
    fn from(error: BrokerError) -> Self {
        Self::Send(error.into())
    }
}

impl From<JournalError> for NotifyError {
    fn from(error: JournalError) -> Self {
        match std::error::Error::source(&error) {
            Some(source) => Self::Journal(format!("{error}: {source}")),
            None => Self::Journal(error.to_string()),
        }
    }
}
