//! `mesahub doctor`, as an operator runs it: each fault is made for real, and has to be named.

#![allow(clippy::unwrap_used)]

#[cfg(feature = "amqp")]
mod amqp;
mod binary;
mod memory;
#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "redis")]
mod proxy;
#[cfg(feature = "redis")]
mod redis;
