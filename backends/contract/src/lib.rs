//! The contract between Mesahub and its backplane: what a backend is given, what it owes.
//!
//! A backend moves bytes between nodes and nothing else. It knows no groups, no connections and no
//! JSON; who gets a message on a node is the hub's business.
//!
//! ```text
//!      node A                                            node B
//!   ┌───────────┐  publish   ┌──────────────────┐   ┌───────────┐
//!   │    hub    │ ─────────▶ │                  │   │    hub    │
//!   │           │ subscribe  │      broker      │   │           │
//!   │           │ ─────────▶ │                  │   │           │
//!   └───────────┘            │  topic ─▶ nodes  │   └───────────┘
//!     ▲ ▲ ▲ ▲                │  topic ─▶ log    │     ▲ ▲ ▲ ▲
//!     │ │ │ │ a shard per    │                  │     │ │ │ │
//!   ┌───────────┐ share of   └──────────────────┘   ┌───────────┐
//!   │   inbox   │ the topics   │              │     │   inbox   │
//!   └───────────┘ ◀────────────┘              └───▶ └───────────┘
//!          deliveries and gaps come in by the inbox only
//! ```
//!
//! # Promises
//!
//! Each is kept by every backend, by every wrapper that is itself a [`Broker`], and by
//! `Arc<dyn Broker>`. Each has at least one function in the `conformance` suite.
//!
//! 1. **Order.** What one publisher sends to one topic arrives in the order in which it was sent,
//!    at every node. Nothing is said about two topics, or about two `publish` calls that overlap.
//! 2. **Beginning and end.** What is published after [`Broker::subscribe`] has returned arrives;
//!    what was taken before it was called does not. Once [`Broker::unsubscribe`] has returned,
//!    nothing more of the topic is pushed into the inbox. Both are declarations, so saying them
//!    twice is saying them once.
//! 3. **Exactly once.** While connected, every subscribed node gets each message once, the
//!    publisher's own node included, and no other node gets it. A full inbox delays; it loses
//!    nothing.
//! 4. **Answers per item.** [`Broker::publish`] answers each item in its place, and an item that
//!    is refused does not spoil its neighbours.
//! 5. **Whole payloads.** 0 bytes to [`MAX_PAYLOAD`] arrive unchanged; more is refused as
//!    [`BrokerError::TooLarge`].
//! 6. **Names are exact.** Topics with any UTF-8 never collide, and none acts as a pattern.
//! 7. **Counting is silent.** [`Broker::subscriber_count`] tells the nodes listening in the whole
//!    cluster, and no subscriber notices that it was asked.
//! 8. **Healing.** A broker that goes away and comes back finds every subscription restored
//!    without help, and a [`Gap`] in the inbox for what may be lost, after the subscriptions are
//!    back and in order with the deliveries around it.
//! 9. **Failing fast.** While the broker is away, publishing and [`Broker::health`] fail soon,
//!    with an error that [is retryable](BrokerError::is_retryable).
//! 10. **Leaving.** [`Broker::close`] leaves nothing behind on the broker, lets go of the inbox,
//!     and every later call answers [`BrokerError::Closed`].
//! 11. **The log** of a topic is totally ordered; it equals what was delivered of the publications
//!     that asked to be kept; it is bounded in count, bytes and age; and where it cannot tell what
//!     followed a position, it answers [`BrokerError::UnknownPosition`] and does not guess.
//! 12. **Once.** Of the publications with one [`OnceKey`] that are for one topic's log, the log
//!     takes one within its bound in age, whoever sends them; the others are answered as
//!     duplicates and delivered to nobody.
//!
//! What a backend cannot do by its nature it says in its [`Capabilities`], which choose the
//! promises it is tested for.
//!
//! # Examinations
//!
//! Beside its broker, a backend with a server has a function `examine` that looks at that server
//! and tells [`Finding`]s for an operator: login, version and whatever is particular to it. What can
//! be tried through a [`Broker`], such as a right, is tried by whoever examines.
//!
//! # What may not live here
//!
//! No backend, no retrying, no metrics, no envelope: payloads are opaque bytes.

mod broker;
mod capabilities;
#[cfg(feature = "conformance")]
pub mod conformance;
mod delivery;
mod error;
mod finding;
mod inbox;
mod log;
mod once_key;
mod position;
mod publication;
mod topic;

pub use broker::Broker;
pub use capabilities::Capabilities;
pub use delivery::{Delivery, Gap, GapScope, Inbound};
pub use error::{BrokerError, Cause};
pub use finding::{Finding, Verdict};
pub use inbox::{Inbox, InboxClosed, InboxShard, Slot};
pub use log::{LogBounds, LogEntry, LogPage};
pub use once_key::OnceKey;
pub use position::{Position, PositionError};
pub use publication::{MAX_PAYLOAD, Publication, Published};
pub use topic::{Topic, TopicError};
