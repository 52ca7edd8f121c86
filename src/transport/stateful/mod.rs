//! Stateful reconnects (hub protocol version 2): a connection that outlives its WebSocket.
//!
//! ```text
//!   life of the connection ──► outbox ──► Sending ──► WebSocket ──╳
//!            ▲                              │ keeps what is not acknowledged
//!            └──────────── StatefulLink ◄───┴──── next WebSocket of the same token
//! ```
//!
//! A link around a link: neither the hub nor the life of the connection knows that the socket below
//! was exchanged. Connections that did not negotiate it have none of this.

pub(crate) mod link;
pub(crate) mod receiving;
pub(crate) mod sending;

pub(crate) use link::StatefulLink;
pub(crate) use sending::Sending;
