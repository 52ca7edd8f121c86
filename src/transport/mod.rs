//! Transports: how a client's bytes travel, and the HTTP requests that begin it.
//!
//! ```text
//!   POST {hub}/negotiate ──► tokens ◄── GET {hub}?id=… ──┬─► upgrade ──► websocket ──┐
//!                              ▲                         ├─► server_sent_events ─┐   ├─► application
//!   POST, DELETE {hub}?id=… ───┘                         └─► long_polling ───────┴─► pipe ┘
//! ```
//!
//! Follows the SignalR transport protocol: negotiate versions 0 and 1, WebSockets with or without
//! negotiation, Server-Sent Events and long polling.
//!
//! Invariants:
//! - The connection token is a secret: it opens a connection, it is never logged and never leaves
//!   the negotiate answer.
//! - Every request to a hub is authenticated on its own.
//! - A connection has its place from negotiation on, and gives it back when its token is forgotten.
//!
//! What may not live here: hub messages, what a connection may do once it is there.

pub(crate) mod application;
pub mod endpoint;
pub(crate) mod gate;
pub(crate) mod incoming;
pub mod limits;
pub(crate) mod long_polling;
pub mod negotiate;
pub mod options;
pub mod origin;
pub(crate) mod outgoing;
pub(crate) mod pipe;
pub(crate) mod pipe_link;
pub(crate) mod post;
pub(crate) mod refusal;
pub(crate) mod request;
pub(crate) mod server_sent_events;
pub(crate) mod socket;
pub(crate) mod stateful;
pub(crate) mod tokens;
pub(crate) mod upgrade;
pub(crate) mod websocket;

pub use mesahub_protocol::TransportKind;

pub use crate::connection::{RawConnection, RawSendError, RawSender};
pub use endpoint::{Endpoint, routes};
pub use limits::EndpointLimits;
pub use negotiate::Redirect;
pub use options::TransportOptions;
pub use origin::{InvalidOrigin, Origins};
