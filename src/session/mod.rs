//! Dining sessions: telling people that one is about to end or has ended.
//!
//! ```text
//!   host, timeout service ──► SessionNotifier ──► NotificationService
//! ```
//!
//! What may not live here: deciding when a session ends, and addressing anybody.

mod notifier;

pub use notifier::SessionNotifier;
