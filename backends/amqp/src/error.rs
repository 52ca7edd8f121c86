//! What went wrong with RabbitMQ, in the words of the contract.

use std::io;
use std::time::Duration;

use lapin::protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError};
use lapin::{Error, ErrorKind};
use mesahub_broker::BrokerError;
use tokio_rustls::rustls;

/// What RabbitMQ said, or what became of the way to it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    #[error("no address of RabbitMQ is configured")]
    NoAddress,
    #[error("cannot connect to {0}")]
    Connect(String, #[source] Error),
    #[error("{0} did not answer within {1:?}")]
    Silent(String, Duration),
    #[error("the connection broke")]
    Broken(#[from] Error),
    #[error("{0} has closed the connection")]
    Closed(String),
    #[error("RabbitMQ has ended the consumer of {0:?}")]
    Cancelled(String),
    #[error("RabbitMQ has dropped messages that this node did not take in time")]
    Dropped,
    #[error("the stream {0:?} holds what this version cannot read")]
    Unreadable(String),
}

impl LinkError {
    /// The same in the words of the contract.
    pub(crate) fn into_broker(self) -> BrokerError {
        match self {
            Self::Connect(at, error) => match refusal(&error) {
                Some(text) => BrokerError::rejected(format!("{at}: {text}")),
                None => BrokerError::unavailable(Self::Connect(at, error)),
            },
            Self::Broken(error) => of_call(error),
            Self::NoAddress | Self::Unreadable(_) => BrokerError::rejected(self),
            other => BrokerError::unavailable(other),
        }
    }
}

/// Why RabbitMQ did not do what it was asked.
pub(crate) fn of_call(error: Error) -> BrokerError {
    match refusal(&error) {
        Some(text) => BrokerError::rejected(text),
        None => BrokerError::unavailable(error),
    }
}

/// What to mend, if it is not a matter of time.
fn refusal(error: &Error) -> Option<String> {
    let advice = match error.kind() {
        ErrorKind::ProtocolError(said) => {
            let advice = match said.kind() {
                AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED) => {
                    match said.get_message().as_str().contains("Login was refused") {
                        true => "RabbitMQ does not accept the user or the password: correct them",
                        false => "the RabbitMQ user lacks a right: grant it with set_permissions",
                    }
                }
                AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED) => {
                    "RabbitMQ does not let this user into the virtual host: create it, or grant it"
                }
                AMQPErrorKind::Hard(AMQPHardError::INVALIDPATH) => {
                    "RabbitMQ does not know the virtual host: create it"
                }
                // Others pass: a stream has no replica here yet, just after a start.
                AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED)
                    if said.get_message().as_str().contains("inequivalent arg") =>
                {
                    "RabbitMQ holds an exchange or a queue of this name that is another: delete \
                     it, or choose another prefix"
                }
                AMQPErrorKind::Hard(
                    AMQPHardError::NOTIMPLEMENTED | AMQPHardError::COMMANDINVALID,
                ) => "RabbitMQ 3.10 or later is needed, with stream queues",
                _ => return None,
            };
            return Some(format!("{advice} ({})", said.get_message()));
        }
        ErrorKind::IOError(error) if is_distrust(error) => {
            "the certificate of the server is not trusted"
        }
        ErrorKind::AuthProviderError(_) => "RabbitMQ offers no login by user and password",
        _ => return None,
    };
    Some(format!("{advice} ({error})"))
}

/// Whether TLS failed because the server is not who it should be.
pub(crate) fn is_distrust(error: &io::Error) -> bool {
    let mut inner = error.get_ref();
    while let Some(error) = inner {
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return matches!(error, rustls::Error::InvalidCertificate(_));
        }
        inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
    }
    false
}
