//! The journal: what its store owes, what a service does with it, and what no crash takes from it.
#![cfg(all(feature = "sqlite", feature = "memory", feature = "redis"))]
#![allow(clippy::unwrap_used)]

mod crash;
mod dead_letters;
mod disk;
mod gate;
mod node;
#[allow(dead_code, reason = "other suites use the rest")]
#[path = "../support/process.rs"]
mod process;
mod service;
mod store;
mod torn;
