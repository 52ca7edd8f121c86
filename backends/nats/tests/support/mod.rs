//! What the proofs around the NATS backend stand on.

#![allow(dead_code, unused_imports, unreachable_pub, clippy::unwrap_used)]

mod nats;

pub use nats::{BOUNDS, Nats, config, open};
