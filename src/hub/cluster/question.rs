//! What a hub on one node asks the same hub on another.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::auth::{SessionId, TenantKey};
use crate::hub::ending::Ending;
use crate::hub::id::ConnectionId;

/// A question. [`Question::Invoke`] is followed by an envelope with the invocation.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Question {
    Whois(ConnectionId),
    Join(ConnectionId, String),
    Leave(ConnectionId, String),
    End(ConnectionId, Ending),
    EndUser(String, Ending),
    CountGroup(String),
    CountUser(String),
    CountAll,
    Receipt(Uuid),
    Invoke {
        connection: ConnectionId,
        invocation: String,
        deadline: Duration,
    },
}

/// What is answered. [`Reply::Completed`] is followed by the completion.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply {
    Done,
    Count(u64),
    Receipt {
        /// Whether it was sent from there, and what was said then of whose it is.
        sent: bool,
        owner: Option<String>,
        given: u64,
    },
    Whois(Whois),
    /// The completion of the client, in this hub protocol.
    Completed(String),
    UnknownConnection,
    Disconnected,
    TimedOut,
    Failed(String),
}

/// Who a connection is, as far as other nodes need to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whois {
    /// Its tenant.
    pub tenant: Option<TenantKey>,
    /// Its dining session.
    pub session: Option<SessionId>,
    /// What `Clients::user` finds it by.
    pub user: Option<String>,
}

/// What is told: an envelope follows.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Deliver {
    pub(super) connections: Vec<ConnectionId>,
}
