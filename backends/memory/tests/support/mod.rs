//! What the proofs around the in-memory backend stand on.

#![allow(dead_code, unused_imports, unreachable_pub, clippy::unwrap_used)]

mod liar;
mod memory;
mod simulated;

pub use liar::{Liar, Lie};
pub use memory::Memory;
pub use simulated::{Flaw, Simulated};
