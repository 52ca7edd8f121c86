//! The in-memory backplane: nodes of one process, joined by a [`MemoryNetwork`].
//!
//! ```text
//!   MemoryBroker ──publish──▶ ┌─────── MemoryNetwork ───────┐
//!   MemoryBroker ──subscribe▶ │ by hash of the topic:       │ ──▶ Inbox of each
//!   MemoryBroker ──read_log─▶ │   lock { nodes, log }       │     subscribed node
//!                             └─────────────────────────────┘
//! ```
//!
//! Appending to the log and filling the inboxes happen under one lock, so that every node sees a
//! topic in the order of its log. Room in the inboxes is taken before the lock, so that nobody
//! waits while holding it.
//!
//! # Keys
//!
//! The keys of a topic's publications are kept beside its log, each for the log's bound in age and
//! for up to twice that where nothing more is published on the topic. That is their only bound, so
//! they take up to 120 bytes for each publication with a key within that age: at 100 a second and
//! 5 minutes, 3.6 MB. A topic without keys has 8 bytes more to its log.
//!
//! # Promises it cannot keep
//!
//! It joins no processes and survives none: with the process go the subscriptions, the logs and the keys.
//! There is no server that could be away, so healing and failing fast have nothing to show. A
//! position from an earlier process is answered as unknown.

mod broker;
mod config;
mod keys;
mod log;
mod logs;
mod network;
mod subscriptions;

pub use broker::MemoryBroker;
pub use config::MemoryConfig;
pub use network::MemoryNetwork;
