//! The hub as its clients see it: every test speaks to it over a real socket.
#![cfg(feature = "memory")]
#![allow(clippy::unwrap_used)]

mod bad_input;
mod broken_frames;
mod handshake;
mod honest;
mod negotiate;
mod shutdown;
mod support;
mod upgrade;
