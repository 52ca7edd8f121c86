//! The Redis backplane: Redis 6.2 and later, or Valkey; one server, or a primary that Sentinels
//! watch.
//!
//! ```text
//!   RedisBroker ── publish, logs, counts ──► one multiplexed connection ──► Redis
//!        └──────── subscribe ──► link ◄───── one connection for messages ◄───┘
//!                                  └──► inbox
//! ```
//!
//! # How the promises are kept
//!
//! - A publication is a `PUBLISH`; one for the log is a script that appends it to a stream and
//!   publishes it in one step, so that the log is in the order of the deliveries. Batches are
//!   pipelined.
//! - The link's task owns the subscriptions. It asks Redis for a sign of life when it is silent,
//!   connects again after growing pauses with chance in them, subscribes everything again in
//!   batches and then says that something may be missing.
//! - While a connection is lost, calls fail at once. Nothing that was on its way is repeated: such
//!   a call answers [`Timeout`](mesahub_broker::BrokerError::Timeout).
//!
//! # What it cannot promise
//!
//! - A log does not survive a restart or a change of the primary: what Redis took last may not
//!   have been written or copied. Positions from before are unknown afterwards, never guessed at.
//! - Redis cuts off a reader that is too slow (`client-output-buffer-limit pubsub`); that is a
//!   gap.
//! - Redis must not evict keys (`maxmemory-policy noeviction`): an evicted log cannot be told from
//!   one that never was.

mod backoff;
mod broker;
mod commands;
mod config;
mod doctor;
mod error;
mod framing;
mod link;
mod names;
mod primary;
mod resp;
mod scripts;
mod socket;

pub use broker::RedisBroker;
pub use config::{Address, Deployment, Framing, Login, RedisConfig, Tls};
pub use doctor::examine;
