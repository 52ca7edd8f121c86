//! A durable queue: what was accepted is on disk until it has been dealt with.
//!
//! ```text
//!   append ──► records, in order ──► read ──► settled: gone
//!                                      │
//!                                      └──► buried: a dead letter ──► revived: a record again
//!                                                                └──► dropped
//! ```
//!
//! Invariants:
//! - What a store has answered for survives the process, and the machine as far as its [`Sync`] says.
//! - Changes that are made together are made all or not at all.
//! - A key is taken once within its window, together with the record that it came with.
//!
//! What may not live here: what the records mean, threads, the broker.

mod record;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;

pub use record::{Change, Changed, Key, Letter, Record, Stored, Sync, Waiting};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteJournal;
pub use store::{JournalError, JournalStore};
