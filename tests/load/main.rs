//! The load generator: it finds nothing wrong with a good server, and everything with a bad one.
#![cfg(all(feature = "memory", feature = "messagepack"))]
#![allow(clippy::unwrap_used)]

mod binary;
mod house;
mod liars;
mod plan;
#[allow(dead_code, reason = "other suites use the rest")]
#[path = "../support/process.rs"]
mod process;
mod storm;
