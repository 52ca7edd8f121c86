//! An evening in a kitchen: whatever happens to its network, to the nodes and to the backplane, its
//! tablet shows every order that was accepted, in order and once.
//!
//! ```text
//!   publisher, with keys ──► three nodes with journals ──► link, which fails ──► tablets: the
//!        │                       │ restarted in turn                            official client
//!        │                   backplane, restarted twice
//!        └──► accepted orders ◄──────── compared ────────► what each tablet shows
//! ```
//!
//! A second tablet on the same link does not resume: what it misses shows that the first one had
//! something to miss.
#![cfg(all(feature = "sqlite", feature = "memory"))]
#![allow(clippy::unwrap_used)]
#![allow(clippy::print_stdout, reason = "an evening tells what it has seen")]

#[cfg(feature = "amqp")]
mod amqp;
mod dice;
mod evening;
mod link;
mod memory;
#[cfg(feature = "nats")]
mod nats;
mod office;
#[allow(dead_code, reason = "other suites use the rest")]
#[path = "../support/process.rs"]
mod process;
#[cfg(feature = "redis")]
mod redis;
mod tablet;
