//! The NATS backplane: NATS 2.9 and later, one server or a cluster; logs on JetStream.
//!
//! ```text
//!   NatsBroker ── flights ──► commands ──► one connection out ──► NATS ──► stream of the logs
//!        └────── subscribe ──► link ◄───── one connection in ◄─────┴─── repeats what it keeps
//!                               └──► inbox
//! ```
//!
//! # How the promises are kept
//!
//! - A publication is a `PUB` on the subject of its topic; one for the log goes to a second subject,
//!   where the stream takes it, numbers it and *republishes* it on the first. So every subscriber
//!   gets what is kept in the order of the log, with its position in a header.
//! - What goes out together ends with a `PING`: its `PONG` says that the server has taken all of it,
//!   and what was refused was refused before it. Kept items are acknowledged by the stream. What
//!   is not kept waits until what is kept of the same topic is acknowledged, so that it does not
//!   overtake it.
//! - A publication with a key goes to the stream with `Nats-Msg-Id`, made of topic and key. The
//!   stream knows each for its `duplicate_window`, which is the bound of the logs in age, and takes
//!   none twice. While it is not sure yet of the first, in several copies, the next is answered with
//!   an error that is worth a retry.
//! - The link's task owns the subscriptions. It asks NATS for a sign of life when it is silent,
//!   connects again after growing pauses with chance in them, subscribes everything again in few
//!   writes and then says that something may be missing. The number of the entry before comes with
//!   each entry of a log, so an entry that did not arrive is told as a gap of its topic.
//! - While a connection is lost, calls fail at once. Nothing that was on its way is repeated: such
//!   a call answers [`Timeout`](mesahub_broker::BrokerError::Timeout).
//! - Counting asks on the topic's subject, in a message that no link passes on: the server itself
//!   says whether nobody listens, and says so before its next `PONG`.
//!
//! # Why it speaks the protocol itself
//!
//! NATS's own client library makes a queue for each subscription, drops what does not fit into it,
//! and keeps publications for later while it is away. Here a topic costs a number in two tables,
//! a full inbox holds the socket back, and a publication is taken or refused. The protocol is a
//! dozen words of text; the tests let the official client listen and publish beside this one.
//!
//! # What it cannot promise
//!
//! - The subscriber count only tells some from none: NATS tells nobody how many there are.
//! - NATS cuts off a reader that is too slow (`max_pending`, `write_deadline`); that is a gap.
//! - In a cluster, when `subscribe` returns, the server that leads the stream knows of it, so that
//!   nothing is missed that is kept; the other servers may know a moment later. And what is kept takes the way through the server that leads the stream: at three servers, one
//!   for the publisher, one for the subscriber and one that leads, a publication that is kept and
//!   one that is not may change places. Those of one kind never do.
//! - A log survives a restart of its server. That it survives the loss of one takes three copies.
//!   What a machine had not written yet when its power failed is lost with it.
//! - After a restart, JetStream knows the keys of those entries that it still has: not of those that
//!   the bound in count or the storage has dropped. In its memory it keeps about 400 bytes of each for
//!   the bound in age, and nothing else bounds them: at 100 a second and 5 minutes, 12 MB.
//! - Headers count as payload at the server. With a `max_payload` of 1 MiB, a payload that is nearer
//!   to it than the id is long, some 150 bytes for the topics of a hub, goes without its key: it is
//!   kept and delivered, and kept again when it is repeated. 4 KiB more of `max_payload` end that.
//! - JetStream bounds a topic's log in count and age; the bound in bytes is kept by the reader, and
//!   on disk by [`LogConfig::storage`] for all topics together.

mod api;
mod authorities;
mod backoff;
mod broker;
mod commands;
mod config;
mod doctor;
mod entries;
mod error;
mod flight;
mod flights;
mod link;
mod log;
mod login;
mod logs;
mod names;
mod parts;
mod servers;
mod session;
mod socket;
mod stream;
mod subscriptions;
mod wire;

pub use broker::NatsBroker;
pub use config::{Address, LogConfig, Login, NatsConfig, Tls};
pub use doctor::examine;
pub use names::{Prefix, PrefixError};
