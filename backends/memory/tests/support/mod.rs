//! What the proofs of the in-memory backend stand on.

// Each test binary uses a part.
#![allow(dead_code, unused_imports, unreachable_pub)]

mod memory;
mod passing;

pub use memory::Memory;
pub use passing::Passing;
