//! Three nodes on one backplane, and many people on them: a model says who must have received
//! what, and in what order, also when the backplane is cut off in the middle of the day. And real
//! processes, of which one is killed.
//!
//! ```text
//!   seed ──► tenants, each doing one thing after the other ──► three whole servers
//!              │                                                    │ backplane ◄── outage
//!              └──► model: owed to whom ◄── compared ◄── 300 SignalR connections
//! ```

#![allow(clippy::unwrap_used)]
#![allow(clippy::print_stdout, reason = "a day that goes wrong has to be told")]
#![cfg_attr(
    not(any(feature = "redis", feature = "nats", feature = "amqp")),
    allow(dead_code, unused_imports, reason = "only a server can be taken away")
)]

#[cfg(feature = "amqp")]
mod amqp;
mod client;
mod day;
mod dice;
mod fleet;
mod healing;
mod killed;
mod memory;
#[cfg(feature = "nats")]
mod nats;
mod outage;
mod person;
mod process;
mod receipts;
#[cfg(feature = "redis")]
mod redis;
mod tenant;

use crate::day::{live, live_through};
