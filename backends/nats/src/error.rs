//! What went wrong with NATS, in the words of the contract.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use mesahub_broker::BrokerError;

use crate::wire::NoNats;

/// What NATS said, or what became of the way to it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    #[error("no address of a server is configured")]
    Nowhere,
    #[error("cannot connect to {0}")]
    Connect(String, #[source] io::Error),
    #[error("{0} did not answer within {1:?}")]
    Silent(String, Duration),
    #[error("the connection broke")]
    Broken(#[source] io::Error),
    #[error("NATS closed the connection")]
    Closed,
    #[error(transparent)]
    Protocol(#[from] NoNats),
    #[error("{0} told of itself what cannot be read")]
    Unreadable(String, #[source] serde_json::Error),
    #[error("NATS said: {0}")]
    Refused(String),
    #[error("{0} does not offer TLS, which is configured")]
    NoTls(String),
    #[error("{0} speaks TLS only: configure it")]
    TlsOnly(String),
    #[error(
        "{at} takes payloads of {size} bytes only: set max_payload to at least {} in its \
         configuration",
        mesahub_broker::MAX_PAYLOAD
    )]
    SmallPayloads { at: String, size: usize },
    #[error("{0} carries no headers: NATS 2.9 or later is needed")]
    TooOld(String),
    #[error("the certificates of authorities cannot be used: {0}")]
    Authorities(String),
    #[error("the seed of the nkey cannot be used")]
    Seed(#[source] nkeys::error::Error),
    #[error("{0} cannot be read")]
    CredentialsFile(PathBuf, #[source] io::Error),
    #[error("{0} holds no token and seed of a user, as `nsc` writes them")]
    Credentials(PathBuf),
}

impl LinkError {
    /// The same in the words of the contract.
    pub(crate) fn into_broker(self) -> BrokerError {
        match self {
            Self::Refused(text) => refused(&text),
            Self::Connect(_, ref source) if is_distrust(source) => BrokerError::rejected(self),
            Self::Connect(..)
            | Self::Silent(..)
            | Self::Broken(_)
            | Self::Closed
            | Self::Protocol(_)
            | Self::Unreadable(..) => BrokerError::unavailable(self),
            other => BrokerError::rejected(other),
        }
    }
}

/// A word of refusal, with advice where there is any.
pub(crate) fn refused(text: &str) -> BrokerError {
    let begins = |with: &str| text.to_ascii_lowercase().starts_with(with);
    let advice = if begins("authorization violation") {
        "NATS does not accept the login: correct the user and password, token, nkey or credentials"
    } else if begins("user authentication") || begins("account authentication") {
        "the credentials for NATS have expired or were revoked: bring new ones"
    } else if begins("permissions violation") {
        "the NATS user lacks a right: grant it in the server's configuration"
    } else if begins("maximum subscriptions") {
        "NATS allows this connection no more subscriptions: raise max_subscriptions"
    } else {
        return BrokerError::unavailable(text);
    };
    BrokerError::rejected(format!("{advice} ({text})"))
}

/// The subject that a word of refusal is about, and whether it is about listening there.
pub(crate) fn denied(text: &str) -> Option<(bool, &str)> {
    let rest = text.strip_prefix("Permissions Violation for ")?;
    let (what, rest) = rest.split_once(" to \"")?;
    let (subject, _) = rest.split_once('"')?;
    Some((what == "Subscription", subject))
}

/// Whether TLS failed because the server is not who it should be.
pub(crate) fn is_distrust(error: &io::Error) -> bool {
    error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<tokio_rustls::rustls::Error>())
        .is_some_and(|error| matches!(error, tokio_rustls::rustls::Error::InvalidCertificate(_)))
}

#[cfg(test)]
mod tests {
    use super::{denied, refused};

    #[test]
    fn a_denied_subject_is_read_out_of_the_refusal() {
        let publish = "Permissions Violation for Publish to \"mesahub.topic.a\"";
        assert_eq!(denied(publish), Some((false, "mesahub.topic.a")));
        let subscribe =
            "Permissions Violation for Subscription to \"mesahub.topic.b\" using queue \"q\"";
        assert_eq!(denied(subscribe), Some((true, "mesahub.topic.b")));
        assert_eq!(denied("Stale Connection"), None);
    }

    #[test]
    fn a_retry_does_not_help_against_a_refused_login() {
        for text in ["Authorization Violation", "User Authentication Expired"] {
            assert!(!refused(text).is_retryable(), "{text}");
        }
        assert!(refused("Stale Connection").is_retryable());
    }
}
