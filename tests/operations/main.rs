//! What operators see: metrics as Prometheus reads them, the dashboard and the rules made of them,
//! and health while the backplane is away.
#![cfg(all(feature = "memory", feature = "redis", feature = "sqlite"))]
#![allow(clippy::unwrap_used)]

mod client;
mod day;
mod exposition;
mod files;
#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "../support/in_process.rs"]
mod in_process;
mod metrics;
mod promtool;
mod reading;
mod redis;
mod server;
