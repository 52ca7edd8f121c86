//! The table of endings: every way in which a connection can end, and what its client is told.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a connection ended. Given to `on_disconnected` handlers and to the log. Nodes tell it to
/// each other in its serde form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// The client sent a hub Close message, with its error if it had one.
    ClientClosed(Option<String>),
    /// The client closed the transport in an orderly way without a hub Close message.
    TransportClosed,
    /// The transport broke: reset, end of stream in the middle, or a write that failed.
    TransportLost(String),
    /// The client broke the rules of its transport, such as those of WebSocket frames; the
    /// transport has told it which.
    TransportViolation(String),
    /// The application ended it.
    Aborted,
    /// An operator or another part of the application sent it away; it may come back.
    SentAway,
    /// What it was here for is over, for this reason, which the client is told.
    Dismissed(String),
    /// The first message was not an acceptable handshake; the text went to the client.
    HandshakeRefused(String),
    /// No handshake arrived in time.
    HandshakeTimeout,
    /// The client broke the protocol.
    ProtocolViolation(String),
    /// Nothing was heard from the client for the client timeout.
    ClientTimeout,
    /// The connect handler failed; the text is for operators.
    ConnectFailed(String),
    /// The backplane was away while it connected; the text is for operators. It may come back.
    ConnectUnavailable(String),
    /// The connect handler refused with a deliberate error, whose text the client is told.
    ConnectRefused(String),
    /// The client read too slowly: its outbox went over its bound.
    SlowConsumer,
    /// A message for it was published without its hub protocol: the nodes are not alike.
    MissingProtocol,
    /// The credential it connected with has expired.
    CredentialExpired,
    /// The node is stopping.
    Shutdown,
}

/// What the table says about one ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// A short stable name for logs and metrics.
    pub name: &'static str,
    /// The hub Close message that is sent first, if any.
    pub close: Option<CloseMessage>,
    /// Whether the transport is torn down at once, with nothing more written to it.
    pub abrupt: bool,
}

/// A hub Close message: whether it carries the error text, and whether the client may return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseMessage {
    /// Whether an error is named.
    pub error: bool,
    /// Whether the client may reconnect by itself.
    pub allow_reconnect: bool,
}

/// The text of an error Close, before any detail.
pub(crate) const CLOSED_WITH_ERROR: &str = "Connection closed with an error.";

const PLAIN: Option<CloseMessage> = close(false, false);
const COME_BACK: Option<CloseMessage> = close(false, true);
const FAILED: Option<CloseMessage> = close(true, false);
const FAILED_COME_BACK: Option<CloseMessage> = close(true, true);

impl Ending {
    /// The names of all rows, in the order of the table.
    pub const NAMES: [&'static str; 18] = [
        "client_closed",
        "transport_closed",
        "transport_lost",
        "transport_violation",
        "aborted",
        "sent_away",
        "dismissed",
        "handshake_refused",
        "handshake_timeout",
        "protocol_violation",
        "client_timeout",
        "connect_failed",
        "connect_unavailable",
        "connect_refused",
        "slow_consumer",
        "missing_protocol",
        "credential_expired",
        "shutdown",
    ];

    /// This ending's row.
    #[must_use]
    pub fn row(&self) -> Row {
        let (name, close, abrupt) = match self {
            Self::ClientClosed(_) => ("client_closed", PLAIN, false),
            Self::TransportClosed => ("transport_closed", None, false),
            Self::TransportLost(_) => ("transport_lost", None, true),
            Self::TransportViolation(_) => ("transport_violation", None, false),
            Self::Aborted => ("aborted", PLAIN, false),
            Self::SentAway => ("sent_away", COME_BACK, false),
            Self::Dismissed(_) => ("dismissed", FAILED, false),
            Self::HandshakeRefused(_) => ("handshake_refused", None, false),
            Self::HandshakeTimeout => ("handshake_timeout", None, false),
            Self::ProtocolViolation(_) => ("protocol_violation", FAILED_COME_BACK, false),
            Self::ClientTimeout => ("client_timeout", FAILED_COME_BACK, false),
            Self::ConnectFailed(_) => ("connect_failed", FAILED, false),
            Self::ConnectUnavailable(_) => ("connect_unavailable", FAILED_COME_BACK, false),
            Self::ConnectRefused(_) => ("connect_refused", FAILED, false),
            Self::SlowConsumer => ("slow_consumer", None, true),
            Self::MissingProtocol => ("missing_protocol", FAILED_COME_BACK, false),
            Self::CredentialExpired => ("credential_expired", COME_BACK, false),
            Self::Shutdown => ("shutdown", COME_BACK, false),
        };
        Row {
            name,
            close,
            abrupt,
        }
    }

    /// The detail an operator reads, and a client too where detailed errors are on.
    #[must_use]
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::ProtocolViolation(text) => Some(format!("InvalidDataException: {text}")),
            Self::ConnectFailed(text)
            | Self::ConnectUnavailable(text)
            | Self::ConnectRefused(text)
            | Self::Dismissed(text) => Some(text.clone()),
            Self::ClientTimeout => Some(
                "OperationCanceledException: Client hasn't sent a message/ping within the \
                 configured ClientTimeoutInterval."
                    .to_owned(),
            ),
            Self::MissingProtocol => Some(
                "InvalidOperationException: This message was received from another server that \
                 did not have the requested protocol available."
                    .to_owned(),
            ),
            Self::ClientClosed(error) => error.clone(),
            Self::TransportLost(text)
            | Self::TransportViolation(text)
            | Self::HandshakeRefused(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// Whether its detail is meant for the client even where detailed errors are off.
    #[must_use]
    pub fn is_deliberate(&self) -> bool {
        matches!(self, Self::ConnectRefused(_) | Self::Dismissed(_))
    }

    /// Whether the client's side ended it in an orderly way.
    #[must_use]
    pub fn is_graceful(&self) -> bool {
        matches!(self, Self::ClientClosed(None) | Self::TransportClosed)
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().name)?;
        match self.detail() {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

const fn close(error: bool, allow_reconnect: bool) -> Option<CloseMessage> {
    Some(CloseMessage {
        error,
        allow_reconnect,
    })
}
