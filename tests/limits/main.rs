//! What one client, user, tenant or address may ask of a whole server, over real sockets.
#![cfg(feature = "memory")]
#![allow(clippy::unwrap_used)]

mod admission;
mod calls;
mod client;
mod connections;
#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "../support/in_process.rs"]
mod in_process;
mod proxies;
mod publishes;
mod server;
mod slow;
mod storm;
mod streams;
