//! The NATS backplane: NATS 2.9 and later, one server or a cluster.

mod api;
mod authorities;
mod backoff;
mod broker;
mod commands;
mod config;
mod error;
mod flight;
mod flights;
mod link;
mod log;
mod login;
mod logs;
mod names;
mod parts;
mod servers;
mod session;
mod socket;
mod stream;
mod subscriptions;
mod wire;

pub use broker::NatsBroker;
pub use config::{Address, LogConfig, Login, NatsConfig, Tls};
pub use names::{Prefix, PrefixError};
