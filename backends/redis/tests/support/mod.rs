//! What the proofs around the Redis backend stand on.

#![allow(dead_code, unused_imports, unreachable_pub, clippy::unwrap_used)]

mod cluster;
mod redis;

pub use cluster::Cluster;
pub use redis::{BOUNDS, Redis, config, open};
