//! Dining sessions: what every store owes, and what the timeout service does with it.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used)]

mod recorder;
mod service;
mod store;
