//! Dining sessions: keeping them, warning their guests, ending them, and telling people of it.
//!
//! ```text
//!   HTTP, host ──► DiningSessions ──► SessionNotifier ──► NotificationService
//!   keep_time ───────┘   │                                     └─► the session's connections end
//!                   SessionStore: memory, SQLite, the host's own
//! ```
//!
//! Invariants:
//! - A store changes a session only for whoever has seen its latest version. What is due is
//!   claimed in that way before it is done, so one node does it, however many look.
//! - A session that is ending never comes back.
//! - `times` decides and does nothing else: it has no clock and no store.
//!
//! What may not live here: addressing anybody, tokens, HTTP.

mod counters;
mod dining_session;
mod dining_sessions;
mod error;
mod memory;
mod notifier;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
mod times;

pub use counters::SessionCounters;
pub use dining_session::DiningSession;
pub use dining_sessions::{Clock, DiningSessions};
pub use error::SessionError;
pub use memory::MemorySessions;
pub use notifier::SessionNotifier;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteSessions;
pub use store::{SessionStore, StoreError};
pub use times::SessionTimes;
