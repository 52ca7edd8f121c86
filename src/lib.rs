//! Mesahub.

pub mod auth;
pub mod channel;
pub(crate) mod connection;
pub mod hub;
pub mod transport;
