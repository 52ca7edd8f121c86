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
//! # Promises it cannot keep
//!
//! It joins no processes and survives none: with the process go the subscriptions and the logs.
//! There is no server that could be away, so healing and failing fast have nothing to show. A
//! position from an earlier process is answered as unknown.

mod broker;
mod config;
mod log;
mod logs;
mod network;
mod subscriptions;

pub use broker::MemoryBroker;
pub use config::MemoryConfig;
pub use network::MemoryNetwork;
