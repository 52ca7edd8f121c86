//! What can go wrong in a handler and on the way to it.

use std::borrow::Cow;
use std::fmt;

use mesahub_protocol::EncodeError;
use thiserror::Error;

use crate::hub::cluster::ClusterError;
use crate::hub::ending::Ending;
use crate::hub::membership::SubscribeFailed;
use crate::hub::results::InvokeError;
use crate::hub::type_name::short_name;
use crate::hub::upload::UploadError;

/// What a handler fails with.
///
/// [`HubError::new`] is a deliberate error: its text always reaches the caller. Any other error
/// converts into one with `?`; its text reaches the caller only where detailed errors are on. What
/// a client itself answered or uploaded wrongly ([`InvokeError`], [`UploadError`]) counts as
/// deliberate, as in ASP.NET Core.
/// Like `anyhow::Error` it is not a `std::error::Error` itself, so that this conversion can exist.
#[derive(Debug)]
pub struct HubError {
    kind: Cow<'static, str>,
    message: String,
    deliberate: bool,
    /// Nothing but time is needed for it to succeed.
    passing: bool,
}

impl HubError {
    /// An error meant for the caller, as `HubException` in ASP.NET Core.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            kind: Cow::Borrowed("HubException"),
            message: message.into(),
            deliberate: true,
            passing: false,
        }
    }

    /// An internal failure under the given short type name.
    pub(crate) fn internal(kind: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            message: message.into(),
            deliberate: false,
            passing: false,
        }
    }

    /// The ending of a connection whose connect handler failed with this.
    pub(crate) fn into_ending(self) -> Ending {
        let text = self.to_string();
        match self {
            Self {
                deliberate: true, ..
            } => Ending::ConnectRefused(text),
            Self { passing: true, .. } => Ending::ConnectUnavailable(text),
            _ => Ending::ConnectFailed(text),
        }
    }

    /// The text for the caller: `base`, and the detail where it may be told.
    pub(crate) fn told(&self, base: &str, detailed: bool) -> String {
        if self.deliberate || detailed {
            format!("{base} {}: {}", self.kind, self.message)
        } else {
            base.to_owned()
        }
    }
}

impl fmt::Display for HubError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

impl<E: std::error::Error + 'static> From<E> for HubError {
    fn from(error: E) -> Self {
        if let Some(official) = of_a_client(&error) {
            return official;
        }
        Self {
            passing: is_passing(&error),
            ..Self::internal(short_name::<E>(), error.to_string())
        }
    }
}

/// Whether a backplane that is away is all that is wrong.
fn is_passing(error: &(dyn std::error::Error + 'static)) -> bool {
    let group = error.downcast_ref().is_some_and(GroupError::is_retryable);
    let sending = error.downcast_ref().is_some_and(SendError::is_retryable);
    group || sending || error.downcast_ref().is_some_and(ClusterError::is_retryable)
}

/// What goes wrong on a client's side has official names, and its own text always reaches the
/// caller.
fn of_a_client(error: &(dyn std::error::Error + 'static)) -> Option<HubError> {
    let text = error.to_string();
    if let Some(UploadError::Client(_) | UploadError::Item) = error.downcast_ref() {
        return Some(HubError::new(text));
    }
    match error.downcast_ref()? {
        InvokeError::Client(_) | InvokeError::Decode { .. } | InvokeError::TimedOut => {
            Some(HubError::new(text))
        }
        InvokeError::UnknownConnection(_) | InvokeError::Disconnected(_) => {
            Some(HubError::internal("IOException", text))
        }
        InvokeError::Connecting => Some(HubError::internal("InvalidOperationException", text)),
        InvokeError::Encode(_) | InvokeError::Broker(_) => None,
    }
}

/// The arguments of a call did not fit its handler.
#[derive(Debug, Error)]
pub enum BindError {
    /// The caller sent another number of arguments than the method has.
    #[error("Invocation provides {given} argument(s) but target expects {expected}.")]
    Count {
        /// How many were sent.
        given: usize,
        /// How many the method takes.
        expected: usize,
    },
    /// An argument was not of the handler's type.
    #[error(
        "Error binding arguments. Make sure that the types of the provided values match the \
         types of the hub method being invoked."
    )]
    Argument {
        /// The argument's place, from zero.
        index: usize,
        /// What was wrong with it.
        #[source]
        source: mesahub_protocol::ProtocolError,
    },
}

/// A message could not be sent.
#[derive(Debug, Error)]
pub enum SendError {
    /// The arguments could not be encoded.
    #[error("the message could not be encoded")]
    Encode(#[from] EncodeError),
    /// The address is no valid topic.
    #[error("the address is not usable")]
    Address(#[from] mesahub_broker::TopicError),
    /// The backplane did not take it.
    #[error("the backplane did not take the message")]
    Broker(#[from] mesahub_broker::BrokerError),
    /// There is no such connection on this node, or no node that could have it.
    #[error("Connection '{0}' does not exist.")]
    UnknownConnection(crate::hub::id::ConnectionId),
}

impl SendError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Broker(error) if error.is_retryable())
    }
}

/// A group could not be joined or left.
#[derive(Debug, Error)]
pub enum GroupError {
    /// The name is empty or too long.
    #[error("the group name is not usable")]
    Name(#[from] mesahub_broker::TopicError),
    /// There is no such connection, or it has ended.
    #[error("Connection '{0}' does not exist.")]
    UnknownConnection(crate::hub::id::ConnectionId),
    /// The backplane could not subscribe; the join was taken back.
    #[error(transparent)]
    Subscribe(#[from] SubscribeFailed),
    /// It is on another node, which could not be asked or could not do it.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
}

impl GroupError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Subscribe(error) => error.0.is_retryable(),
            Self::Cluster(error) => error.is_retryable(),
            Self::Name(_) | Self::UnknownConnection(_) => false,
        }
    }
}

/// A hub could not be built.
#[derive(Debug, Error)]
pub enum HubBuildError {
    /// Two methods have the same name, compared without case.
    #[error("the method {0:?} is defined twice")]
    DuplicateMethod(String),
    /// A handler asks for state that was not given.
    #[error("the handler {method:?} needs the state {state}, which was not given")]
    MissingState {
        /// The handler.
        method: String,
        /// The type that it needs.
        state: &'static str,
    },
    /// The hub's name cannot be part of a topic.
    #[error("the hub name is not usable")]
    Name(#[from] mesahub_broker::TopicError),
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mesahub_broker::BrokerError;

    use super::*;

    #[test]
    fn a_client_may_come_back_when_the_backplane_was_away_and_not_when_it_was_refused() {
        let ending = |error: BrokerError| {
            let error = GroupError::Subscribe(SubscribeFailed(Arc::new(error)));
            HubError::from(error).into_ending()
        };
        let returns = |ending: &Ending| ending.row().close.is_some_and(|it| it.allow_reconnect);
        let away = ending(BrokerError::unavailable("away"));
        assert!(matches!(away, Ending::ConnectUnavailable(_)));
        assert!(returns(&away));
        let refused = ending(BrokerError::rejected("no right"));
        assert!(matches!(refused, Ending::ConnectFailed(_)));
        assert!(!returns(&refused));
        let deliberate = HubError::new("not you").into_ending();
        assert!(matches!(deliberate, Ending::ConnectRefused(_)));
        assert!(!returns(&deliberate));
    }
}
