//! Why a broker did not do what it was asked.

use std::{error::Error, fmt, ops::Deref, sync::Arc, time::Duration};

use crate::Position;

/// Why a broker did not do what it was asked.
///
/// A clone shares the cause, so that one lost connection can answer every item of a batch.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// The broker cannot be reached, or not yet again.
    #[error("the broker is unavailable")]
    Unavailable {
        /// What stood in the way.
        #[source]
        cause: Cause,
    },
    /// The broker did not answer in time. It may have done the work all the same, so that a
    /// repeated publication may arrive twice, unless its [key](crate::Publication::once) tells the
    /// log that it has it.
    #[error("the broker did not answer within {after:?}")]
    Timeout {
        /// How long it was waited for.
        after: Duration,
    },
    /// The payload is over the backend's limit.
    #[error("a payload of {size} bytes is over the limit of {max}")]
    TooLarge {
        /// Bytes in the payload.
        size: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// This broker was closed here, by [`close`](crate::Broker::close).
    #[error("the broker was closed")]
    Closed,
    /// The backend keeps no log.
    #[error("the backend keeps no log")]
    LogUnsupported,
    /// The log cannot tell what followed this position: what did has been dropped, or the position
    /// was never issued for this topic.
    #[error("the log does not reach back to position {position}")]
    UnknownPosition {
        /// The position asked for.
        position: Position,
    },
    /// The broker understood the request and refuses it: credentials, permissions, a full disk,
    /// an answer that makes no sense.
    #[error("the broker refused")]
    Rejected {
        /// What it said.
        #[source]
        cause: Cause,
    },
}

/// What lies beneath an error of a backend, shared by its clones.
///
/// It stands for the error it holds: [`Error::source`] gives that error itself, to be looked at
/// or downcast.
#[derive(Clone)]
pub struct Cause(Arc<dyn Error + Send + Sync>);

impl BrokerError {
    /// The broker cannot be reached, because of this. A text will do where there is no error.
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable {
            cause: Cause::new(cause),
        }
    }

    /// The broker refuses, because of this. A text will do where there is no error.
    pub fn rejected(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Rejected {
            cause: Cause::new(cause),
        }
    }

    /// Whether the same call may succeed later with nothing changed but time.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::Timeout { .. } => true,
            Self::TooLarge { .. }
            | Self::Closed
            | Self::LogUnsupported
            | Self::UnknownPosition { .. }
            | Self::Rejected { .. } => false,
        }
    }
}

impl Cause {
    /// Takes an error, or a text where there is none.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::from(cause.into()))
    }
}

impl Deref for Cause {
    type Target = dyn Error + Send + Sync;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{error::Error, io};

    use super::BrokerError;

    #[test]
    fn the_source_is_the_backends_own_error() {
        let error = BrokerError::unavailable(io::Error::from(io::ErrorKind::ConnectionRefused));
        let copy = error.clone();
        drop(error);
        let source = copy.source().unwrap().downcast_ref::<io::Error>().unwrap();
        assert_eq!(source.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn only_absence_is_worth_a_retry() {
        assert!(BrokerError::unavailable("away").is_retryable());
        assert!(!BrokerError::rejected("no such user").is_retryable());
        assert!(!BrokerError::Closed.is_retryable());
    }
}
