//! The journal: what its store owes, what a service does with it, and what no crash takes from it.
#![cfg(all(feature = "sqlite", feature = "memory", feature = "redis"))]
#![allow(clippy::unwrap_used)]

mod crash;
mod disk;
mod gate;
mod node;
mod service;
mod store;
mod torn;
