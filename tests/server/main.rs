//! The hub as its clients see it: every test speaks to it over a real socket.
#![cfg(feature = "memory")]
#![allow(clippy::unwrap_used)]

mod aspnetcore;
#[cfg(all(feature = "redis", feature = "messagepack"))]
mod aspnetcore_redis;
mod bad_input;
mod broken_frames;
mod client_results;
mod cluster;
mod conformance;
mod connecting;
mod cuts;
mod deadlines;
mod filters;
mod groups;
mod handshake;
mod honest;
mod invocations;
#[cfg(feature = "messagepack")]
mod messagepack;
mod negotiate;
mod overflow;
mod panics;
mod parallel;
mod shutdown;
mod slow_reader;
mod stateful;
mod streams;
mod subscriptions;
mod support;
mod upgrade;
mod uploads;
