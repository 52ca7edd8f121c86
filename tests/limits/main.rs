//! What one client, user, tenant or address may ask of a whole server, over real sockets.
#![cfg(feature = "memory")]
#![allow(clippy::unwrap_used)]

mod admission;
mod calls;
mod client;
mod connections;
mod proxies;
mod publishes;
mod server;
mod slow;
mod storm;
mod streams;
