//! What the proofs around the AMQP backend stand on.

#![allow(dead_code, unused_imports, unreachable_pub, clippy::unwrap_used)]

mod driving;
mod rabbit;
mod shared;

pub use driving::{
    delivery, gap, item, one_shard, publish_when_back, quick, refusal, told, topic, within,
};
pub use rabbit::{BOUNDS, Rabbit, config, open};
pub use shared::server;
