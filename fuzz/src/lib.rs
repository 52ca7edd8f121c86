//! Fuzz targets: every decoder that takes bytes from a client or from the backplane.
//!
//! ```text
//!   seeds ──► libFuzzer ──► Target::run ──► a decoder, and what must hold of its outcome
//!                               │
//!                               └── counts what was allocated meanwhile
//! ```
//!
//! `cargo xtask fuzz` runs them under libFuzzer. `cargo test` runs the same functions over the
//! seeds and everything close to them, with any compiler.
//!
//! Invariants of every target: no panic, and never more than [`allocation::LIMIT`] allocated for
//! one input, however long the lengths are that it announces.

pub mod allocation;
pub mod seeds;
pub mod target;
pub mod targets;

pub use target::{TARGETS, Target};
