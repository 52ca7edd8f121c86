//! Transports: how a client's bytes travel, and the HTTP requests that begin it.
//!
//! ```text
//!   POST {hub}/negotiate ──► tokens ◄── GET {hub}?id=… (upgrade) ──► websocket ──► connection::serve
//! ```
//!
//! Follows the SignalR transport protocol: negotiate versions 0 and 1, and WebSockets with or
//! without negotiation.
//!
//! Invariants:
//! - The connection token is a secret: it opens a connection, it is never logged and never leaves
//!   the negotiate answer.
//! - Every request to a hub is authenticated on its own.
//!
//! What may not live here: hub messages, what a connection may do once it is there.

pub mod endpoint;
pub(crate) mod negotiate;
pub mod origin;
pub(crate) mod refusal;
pub(crate) mod socket;
pub(crate) mod tokens;
pub(crate) mod upgrade;
pub(crate) mod websocket;

pub use endpoint::{Endpoint, routes};
pub use origin::{InvalidOrigin, Origins};
