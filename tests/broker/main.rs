//! The wrappers of the broker keep the promises of the contract around every backend.

#![allow(clippy::unwrap_used)]

#[cfg(feature = "amqp")]
mod amqp;
mod history;
mod memory;
#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "redis")]
mod opening;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "amqp", feature = "nats", feature = "redis"))]
mod servers;
mod support;
