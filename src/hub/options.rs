//! The limits and deadlines of one hub.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use mesahub_protocol::Protocol;

use crate::limits::CallLimits;

/// Whose channels reach single connections of other servers on the backplane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wire {
    /// Mesahub's own: every node is one of ours.
    #[default]
    Mesahub,
    /// Those of ASP.NET Core's Redis backplane, whose servers may serve the same hub. Only what
    /// they know works for connections of theirs: messages, groups and client results; counts,
    /// disconnecting and asking who somebody is reach Mesahub nodes alone.
    AspNetCore {
        /// The full .NET type name of the hub class, with `+` before the name of a nested one. It
        /// takes the place of the hub's name in every topic.
        hub_type_name: String,
    },
}

/// Limits and deadlines of a hub. The defaults are those of ASP.NET Core SignalR.
#[derive(Clone, Debug)]
pub struct HubOptions {
    /// The hub protocols that clients may speak. What is sent is encoded in each of them, so all
    /// nodes of a hub need the same list. By default all that this build has.
    pub protocols: Vec<Protocol>,
    /// Whether the text of internal errors reaches clients. Never in production.
    pub enable_detailed_errors: bool,
    /// How often an idle client is pinged.
    pub keep_alive_interval: Duration,
    /// After how much silence a client that pings is closed. At least twice its ping interval.
    pub client_timeout_interval: Duration,
    /// How long a new connection has for its handshake.
    pub handshake_timeout: Duration,
    /// The largest message a client may send, in bytes with its framing; `None` for no limit.
    pub maximum_receive_message_size: Option<usize>,
    /// Bytes that may wait for one slow client before the overflow policy decides.
    pub outbox_limit: usize,
    /// How many items of a stream that a client uploads may wait for their handler.
    pub stream_buffer_capacity: usize,
    /// How many invocations of one connection run at the same time.
    pub maximum_parallel_invocations: NonZeroUsize,
    /// How many invocations of one connection may wait for their turn before its reading pauses.
    pub invocation_backlog: usize,
    /// How often clients may call methods; `None` for no limit. Every invocation counts, of unknown
    /// methods too; pings, cancellations, answers and the items of streams do not.
    pub call_limits: Option<Arc<CallLimits>>,
    /// Whether a connection ends when the credential it came with expires.
    pub close_on_expiry: bool,
    /// Who else is on the backplane. All nodes of a hub need the same.
    pub wire: Wire,
}

impl Default for HubOptions {
    fn default() -> Self {
        Self {
            protocols: Protocol::ALL.to_vec(),
            enable_detailed_errors: false,
            keep_alive_interval: Duration::from_secs(15),
            client_timeout_interval: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(15),
            maximum_receive_message_size: Some(32 * 1024),
            outbox_limit: 1024 * 1024,
            stream_buffer_capacity: 10,
            maximum_parallel_invocations: NonZeroUsize::MIN,
            invocation_backlog: 16,
            call_limits: None,
            close_on_expiry: true,
            wire: Wire::default(),
        }
    }
}
