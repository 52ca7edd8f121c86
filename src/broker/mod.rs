//! Choosing the backplane.
//!
//! ```text
//!   settings ──► open ──► memory (or another backend, by Cargo feature)
//! ```
//!
//! Invariant: `open` alone knows which backends are compiled in. What is configured but missing
//! stops the start; nothing ever falls back to another backend.

pub mod open;

pub use open::{OpenError, compiled, open};
