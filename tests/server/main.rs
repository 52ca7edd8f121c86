//! The hub as its clients see it: every test speaks to it over a real socket.
#![cfg(feature = "memory")]
#![allow(clippy::unwrap_used)]

mod bad_input;
mod broken_frames;
mod connecting;
mod deadlines;
mod groups;
mod handshake;
mod honest;
mod invocations;
mod negotiate;
mod overflow;
mod shutdown;
mod slow_reader;
mod support;
mod upgrade;
