//! The specification's examples, byte for byte.

#![allow(clippy::unwrap_used)]

#[path = "golden/envelope.rs"]
mod envelope;
#[cfg(feature = "messagepack")]
#[path = "golden/frames.rs"]
mod frames;
#[path = "golden/handshake.rs"]
mod handshake;
#[path = "golden/hex.rs"]
mod hex;
#[path = "golden/malformed.rs"]
mod malformed;
#[cfg(feature = "messagepack")]
#[path = "golden/messagepack.rs"]
mod messagepack;
#[path = "golden/messages.rs"]
mod messages;
#[path = "golden/negotiate.rs"]
mod negotiate;
#[cfg(feature = "messagepack")]
#[path = "golden/values.rs"]
mod values;
