//! What the proofs around the NATS backend stand on.

#![allow(dead_code, unused_imports, unreachable_pub, clippy::unwrap_used)]

mod driving;
mod nats;
mod operator;

pub use driving::{
    delivery, gap, item, one_shard, publish_when_back, quick, refusal, start, told, topic, with,
    within,
};
pub use nats::{BOUNDS, Nats, config, open};
pub use operator::Operator;
