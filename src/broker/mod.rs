//! The backplane of this node: opened or examined by configuration, tried again where that helps,
//! counted.
//!
//! ```text
//!   settings ──► open ──► memory, or another backend by Cargo feature
//!                            ▲
//!   hub ──► Metered ──► Retrying
//! ```
//!
//! Invariants:
//! - `open` alone knows which backends are compiled in. What is configured but missing stops the
//!   start; nothing ever falls back to another backend.
//! - A wrapper is itself a broker and keeps every promise of the contract; the conformance suite
//!   runs over each.

pub mod metered;
pub mod meters;
pub mod open;
pub mod retrying;

pub use metered::Metered;
pub use meters::Meters;
pub use open::{OpenError, compiled, examine, open};
pub use retrying::{RetryOptions, Retrying};
