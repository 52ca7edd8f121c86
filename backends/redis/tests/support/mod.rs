//! What the proofs around the Redis backend stand on.

#![allow(dead_code, unused_imports, unreachable_pub, clippy::unwrap_used)]

mod redis;

pub use redis::{BOUNDS, Redis, config, open};
