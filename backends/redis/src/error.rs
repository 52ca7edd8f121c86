//! What went wrong with Redis, in the words of the contract.

use std::io;
use std::time::Duration;

use mesahub_broker::BrokerError;
use redis::{ErrorKind, RedisError};

use crate::resp::NoResp;

/// Codes of answers that are different another time: the server starts, is busy, is no longer or
/// not yet the primary, or has no memory left.
const PASSING: [&str; 11] = [
    "LOADING",
    "BUSY",
    "READONLY",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "MOVED",
    "ASK",
    "TRYAGAIN",
    "OOM",
    "MISCONF",
    "NOSCRIPT",
];

/// Codes that say that the connection leads to the wrong server.
const ELSEWHERE: [&str; 4] = ["READONLY", "MASTERDOWN", "LOADING", "NOSCRIPT"];

/// What Redis said, or what became of the way to it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    #[error("cannot connect to {0}")]
    Connect(String, #[source] io::Error),
    #[error("{0} did not answer within {1:?}")]
    Silent(String, Duration),
    #[error("the connection broke")]
    Broken(#[source] io::Error),
    #[error("Redis closed the connection")]
    Closed,
    #[error(transparent)]
    Protocol(#[from] NoResp),
    #[error("{0}")]
    Refused(String),
    #[error("{}", no_primary(.0.as_deref()))]
    NoPrimary(Option<String>),
    #[error("{0} is no node of a cluster: configure it as a single server")]
    NoCluster(String),
    #[error("{0} is a node of a cluster: configure it as one")]
    IsCluster(String),
    #[error("{0} runs Redis {1}: a cluster needs Redis 7 or later, for its sharded channels")]
    TooOld(String, String),
    #[error("in a cluster the prefix of names must not hold {{ or }}: {0:?}")]
    Braces(String),
    #[error("the certificates of authorities cannot be used: {0}")]
    Authorities(String),
}

impl LinkError {
    /// The same in the words of the contract.
    pub(crate) fn into_broker(self) -> BrokerError {
        match self {
            Self::Refused(text) => refused(&text),
            Self::Authorities(_)
            | Self::NoCluster(_)
            | Self::IsCluster(_)
            | Self::TooOld(..)
            | Self::Braces(_) => BrokerError::rejected(self),
            Self::Connect(_, ref source) if is_distrust(source) => BrokerError::rejected(self),
            other => BrokerError::unavailable(other),
        }
    }
}

fn no_primary(service: Option<&str>) -> String {
    match service {
        Some(service) => format!("none of the Sentinels knows where {service:?} is"),
        None => "none of the addresses leads to a primary of the cluster".to_owned(),
    }
}

/// An answer that is an error.
pub(crate) fn refused(text: &str) -> BrokerError {
    let code = text.split(' ').next().unwrap_or_default();
    if PASSING.contains(&code) {
        return BrokerError::unavailable(text);
    }
    let advice = match code {
        "NOAUTH" => "Redis wants a password: configure one",
        "WRONGPASS" => "Redis does not accept the user or the password: correct them",
        "NOPERM" => "the Redis user lacks a right: grant it in the access list",
        _ => return BrokerError::rejected(text),
    };
    BrokerError::rejected(format!("{advice} ({text})"))
}

/// Whether an answer says that another node of the cluster has what it is about.
pub(crate) fn is_moved(text: &str) -> bool {
    text.starts_with("MOVED ")
}

/// What became of a command that was on its way. Whether it was carried out is not known unless
/// the server answered.
pub(crate) fn of_command(error: &RedisError, waited: Duration) -> BrokerError {
    match error.code() {
        Some(code) => {
            let detail = error.detail().unwrap_or_default();
            refused(&format!("{code} {detail}"))
        }
        None if error.kind() == ErrorKind::AuthenticationFailed => {
            BrokerError::rejected(error.clone())
        }
        None => BrokerError::Timeout { after: waited },
    }
}

/// Why there is no connection for commands.
pub(crate) fn of_connecting(error: RedisError) -> BrokerError {
    match error.code() {
        Some(code) => {
            // That of several commands at once has no detail of its own.
            let detail = error
                .detail()
                .map_or_else(|| error.to_string(), str::to_owned);
            refused(&format!("{code} {detail}"))
        }
        None if error.kind() == ErrorKind::AuthenticationFailed => {
            refused(&format!("WRONGPASS {error}"))
        }
        None => BrokerError::unavailable(error),
    }
}

/// Whether the connection has to be made anew, after this answer to a command.
pub(crate) fn ends_connection(error: &RedisError) -> bool {
    error.code().is_none_or(|code| ELSEWHERE.contains(&code))
}

/// Whether TLS failed because the server is not who it should be.
fn is_distrust(error: &io::Error) -> bool {
    error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<tokio_rustls::rustls::Error>())
        .is_some_and(|error| matches!(error, tokio_rustls::rustls::Error::InvalidCertificate(_)))
}
