//! The Redis backplane: Redis 6.2 and later, or Valkey 7.2 and later; one server, a primary that
//! Sentinels watch, or a cluster.
//!
//! # One server, or one primary
//!
//! ```text
//!   RedisBroker ── publish, logs, counts ──► one multiplexed connection ──► Redis
//!        └──────── subscribe ──► link ◄───── one connection for messages ◄───┘
//!                                  └──► inbox
//! ```
//!
//! - A publication is a `PUBLISH`; one for the log is a script that appends it to a stream and
//!   publishes it in one step, so that the log is in the order of the deliveries. Batches are
//!   pipelined.
//! - A publication with a key has the same script look the key up in the topic's keys, a sorted set
//!   by when each was taken, and take it; what fails behind that gives it back. The keys of a topic
//!   are one key of Redis, so that they move with its log. Each takes about 130 bytes there for the
//!   log's bound in age, their only bound: at 100 a second and 5 minutes, 4 MB. The answer to a
//!   duplicate does not tell where the first one is.
//! - The link's task owns the subscriptions. It asks Redis for a sign of life when it is silent,
//!   connects again after growing pauses with chance in them, subscribes everything again in
//!   batches and then says that something may be missing.
//! - While a connection is lost, calls fail at once. Nothing that was on its way is repeated: such
//!   a call answers [`Timeout`](mesahub_broker::BrokerError::Timeout).
//!
//! # A cluster
//!
//! ```text
//!   topic ── hash ──► one of 128 partitions ── tag {p17} ──► slot ──► primary
//!
//!   RedisBroker ── publish ──► pool ──► a multiplexed connection to each primary ─────┐
//!        └─ subscribe ─► router ─► a link to each primary whose topics are wanted ◄── primary
//!                          ▲           └──► inbox
//!                       topology: which primary has which partition
//! ```
//!
//! - Channels are sharded (`SSUBSCRIBE`, `SPUBLISH`), so a message costs the one node that has its
//!   slot, and not every node as plain channels do in a cluster.
//! - A command may only name channels and keys of one slot. Every name of a partition carries its
//!   tag, so a topic's channel and log are in one slot, the script stays one step, and
//!   subscriptions go out by the hundred.
//! - A node that refuses with `MOVED` has not carried the command out: it is sent once more, to
//!   where it belongs by now. A node that gives up a slot says so to its subscribers; the router
//!   then asks who has it, subscribes there and says that something may be missing in the topics
//!   of that partition, and in no others. It does the same when a replica takes over, or when the
//!   topology, which is asked for now and then too, says that a partition is elsewhere.
//! - A primary that is away costs its own topics alone: publishing to them fails at once, and with
//!   the connection comes a gap in what was subscribed there.
//! - Health asks every primary, and one that is away is a failure.
//! - A batch of subscriptions fails as one. While a slot moves, so do logs in it (`TRYAGAIN`):
//!   both are worth a retry.
//!
//! Sharded channels came with Redis 7; an older cluster is refused. On [`Framing::Plain`] a
//! cluster of any version is used as other software uses it: by plain channels, over one
//! connection to any of its primaries.
//!
//! # What it cannot promise
//!
//! - A log does not survive a restart or a change of the primary, nor a slot that moves: what
//!   Redis took last may not have been written or copied. Positions from before are unknown
//!   afterwards, never guessed at. The same goes for keys: they are lost with the entries that they
//!   came with, and never without them.
//! - Redis cuts off a reader that is too slow (`client-output-buffer-limit pubsub`); that is a
//!   gap.
//! - Redis must not evict keys (`maxmemory-policy noeviction`): an evicted log cannot be told from
//!   one that never was.
//! - On plain channels in a cluster, listeners at replicas are not counted.

mod asked;
mod backoff;
mod broker;
mod commands;
mod config;
mod counting;
mod doctor;
mod error;
mod framing;
mod link;
mod links;
mod names;
mod partition;
mod pool;
mod primary;
mod publishing;
mod resp;
mod router;
mod scripts;
mod session;
mod socket;
mod topology;

pub use broker::RedisBroker;
pub use config::{Address, Deployment, Framing, Login, RedisConfig, Tls};
pub use doctor::examine;
