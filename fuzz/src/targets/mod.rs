//! The targets, a file for each room of the protocol crate.

pub mod backplane;
pub mod framing;
pub mod handshake;
pub mod message;
pub mod negotiate;
pub mod websocket;
