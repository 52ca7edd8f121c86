//! Server-Sent Events, long polling and raw connections as their clients see them: every test
//! speaks HTTP over real sockets, byte by byte.
#![cfg(feature = "memory")]
#![allow(clippy::unwrap_used)]

mod deleting;
mod endpoint;
mod events;
mod identity;
mod life;
mod polling;
mod posting;
mod raw;
mod support;
