//! The specification's examples, byte for byte.

#![allow(clippy::unwrap_used)]

#[path = "golden/envelope.rs"]
mod envelope;
#[path = "golden/handshake.rs"]
mod handshake;
#[path = "golden/malformed.rs"]
mod malformed;
#[path = "golden/messages.rs"]
mod messages;
#[path = "golden/negotiate.rs"]
mod negotiate;
