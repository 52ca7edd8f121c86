//! The wrappers of the broker keep the promises of the contract around every backend.

#![allow(clippy::unwrap_used)]

mod memory;
#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "redis")]
mod opening;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "redis", feature = "nats"))]
mod servers;
mod support;
