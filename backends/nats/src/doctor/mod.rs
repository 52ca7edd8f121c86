//! What is particular to NATS when a backplane is examined.
//!
//! ```text
//!   TLS, login, payloads ─► version ─► rights ─► JetStream ─► copies of logs ─► logs
//! ```
//!
//! Whoever stands before one of the first three sees nothing of what follows.

mod account;
mod entrance;
mod examine;
mod rights;
mod told;

pub use examine::examine;
