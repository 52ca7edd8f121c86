//! The life of one connection, whatever transport carries it.
//!
//! ```text
//!   serve:  admit ─► handshake ─► register ─► on_connected ─► read … ─► goodbye ─► on_disconnected
//!                                    └──────────── registration guard ───────────────┘
//! ```
//!
//! Invariants:
//! - One task per connection. It reads, and it writes what the outbox could not write at once and
//!   what a burst of calls is answered.
//! - Nothing leaves the life by another door: every ending is an [`crate::hub::Ending`].
//! - The read loop never waits for a handler, except when too many wait already.
//!
//! What may not live here: how a transport frames its bytes, HTTP, what a method does.

pub(crate) mod events;
pub(crate) mod goodbye;
pub(crate) mod link;
pub(crate) mod raw;
pub(crate) mod read;
pub(crate) mod serve;
pub(crate) mod serve_raw;

pub(crate) use link::{Link, Received};
pub use raw::{RawConnection, RawSendError, RawSender};
pub(crate) use serve::serve;
pub(crate) use serve_raw::{RawApplication, serve_raw};
