//! Mesahub.

pub mod app;
pub mod auth;
pub mod broker;
pub mod channel;
pub mod config;
pub(crate) mod connection;
pub mod http;
pub mod hub;
pub mod notification;
pub mod session;
pub mod telemetry;
pub mod transport;
