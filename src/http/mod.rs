//! The HTTP API for back ends in any language, health, and the accept loop under warp.
//!
//! ```text
//!   serve ──► warp ──► api ──► router ──► admit, body ──► publish, broadcast ──► notification
//!    │                          │                          groups, connections ──► hub
//!    └─ access log              └─ table ──► openapi       presence, health, sessions
//! ```
//!
//! Invariants:
//! - Routing and the OpenAPI document read the same table, so what is served is what is described.
//! - Nobody without a token that is good for something makes the server read a body.
//! - A tenant in a request is checked against the token before anything is done.
//! - What was published is counted against its service before the body is read, and a batch for what it
//!   holds before any of it is accepted.
//! - Whatever is not done is answered with a [`Problem`], which tells nothing of the server's
//!   inside. Tokens are never logged.
//!
//! What may not live here: what a notification is and where it goes, transports of the hub.

mod access_log;
mod activity;
mod api;
mod body;
mod broadcast;
mod call;
mod connections;
mod counters;
mod dead_letters;
mod escape;
mod groups;
mod health;
mod limits;
mod openapi;
mod operation;
mod peer;
mod presence;
mod problem;
mod publish;
mod refusal;
mod request_id;
mod router;
mod schema;
mod serve;
mod sessions;
mod table;
mod terms;

pub(crate) use access_log::Unremarkable;
pub use api::{Api, not_found, routes};
pub use counters::{RequestCounters, Requests};
pub use limits::{ApiLimits, ServeLimits};
pub use peer::PeerAddress;
pub use problem::Problem;
pub use request_id::RequestId;
pub use serve::serve;
