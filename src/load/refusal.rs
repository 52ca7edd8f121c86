//! Why a client was not let in, or did not stay.

use std::time::Duration;

use http::StatusCode;
use mesahub_protocol::ProtocolError;
use thiserror::Error;
use tokio_tungstenite::tungstenite;

/// Why a client was not let in, or did not stay. Its text has nothing that differs from client to
/// client, so that reasons can be counted.
#[derive(Debug, Error)]
pub(super) enum Refusal {
    /// The server cannot be connected to.
    #[error("cannot connect: {0}")]
    Connect(std::io::ErrorKind),
    /// TLS failed.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// The server gave another answer than was wanted.
    #[error("{asked} answered {status}")]
    Status {
        /// What was asked for.
        asked: &'static str,
        /// The answer.
        status: StatusCode,
        /// When to ask again, if it said so.
        retry_after: Option<Duration>,
    },
    /// HTTP failed.
    #[error("negotiation failed: {0}")]
    Http(#[from] hyper::Error),
    /// The answer to negotiation is none, or has no such transport.
    #[error("negotiation: {0}")]
    Negotiation(String),
    /// A header or path could not be made of what was given.
    #[error("no request can be made of the address and the token")]
    Request(#[from] http::Error),
    /// The WebSocket failed.
    #[error("the WebSocket failed: {0}")]
    WebSocket(String),
    /// The handshake was refused.
    #[error("the handshake was refused: {0}")]
    Handshake(String),
    /// The server broke the hub protocol.
    #[error("not the hub protocol: {0}")]
    Protocol(#[from] ProtocolError),
    /// A call failed.
    #[error("{method} failed: {error}")]
    Call {
        /// The method.
        method: String,
        /// What the server said.
        error: String,
    },
    /// The arguments of a call cannot be encoded.
    #[error("the arguments of {method} cannot be encoded")]
    Arguments {
        /// The method.
        method: String,
    },
    /// The server said goodbye.
    #[error("the server closed: {}", .0.as_deref().unwrap_or("without a reason"))]
    Closed(Option<String>),
    /// The connection ended.
    #[error("the connection ended")]
    Ended,
    /// It took too long.
    #[error("no answer in time")]
    Late,
}

impl Refusal {
    /// When to try again, if the server said so.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl From<tungstenite::Error> for Refusal {
    fn from(error: tungstenite::Error) -> Self {
        match error {
            tungstenite::Error::Http(answer) => Self::Status {
                asked: "the upgrade",
                status: answer.status(),
                retry_after: retry_after(answer.headers()),
            },
            tungstenite::Error::Io(error) => Self::WebSocket(error.kind().to_string()),
            tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed => Self::Ended,
            error => Self::WebSocket(error.to_string()),
        }
    }
}

/// `Retry-After` in seconds.
pub(super) fn retry_after(headers: &http::HeaderMap) -> Option<Duration> {
    let value = headers.get(http::header::RETRY_AFTER)?;
    let seconds = value.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}
