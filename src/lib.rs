//! Mesahub: a real-time notification hub that official SignalR clients connect to unchanged.
//!
//! ```text
//!   http, hub methods, your own code
//!              │
//!        notification ──► broker ⇢ inbox ──► hub: fan-out ──► outbox ──► transport ──► clients
//!                                                                            │
//!                          hub: dispatch ◄── connection ◄────────────────────┘
//! ```
//!
//! A hub of your own is a [`hub::Hub`] built from async functions on a [`hub::Node`], mounted in a
//! warp API with [`transport::routes`]; `examples/chat.rs` is one of ten lines. The notification
//! hub of a multi-tenant product is [`notification::notification_hub`] with
//! [`notification::HubNotificationService`]; `examples/embedded.rs` mounts it beside a host's own
//! routes. [`app::App`] is the whole server, as the `mesahub` binary runs it.
#![doc = ""]
#![doc = include_str!("../features.md")]

pub mod app;
pub mod auth;
pub mod broker;
pub mod channel;
pub mod config;
pub(crate) mod connection;
pub mod doctor;
pub mod http;
pub mod hub;
pub mod journal;
pub mod limits;
pub mod load;
pub mod metrics;
pub mod notification;
pub mod session;
pub mod telemetry;
pub mod transport;
