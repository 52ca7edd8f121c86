//! The wrappers of the broker keep the promises of the contract around every backend.

mod memory;
mod support;
