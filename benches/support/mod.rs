//! What the benches share: a hub on a loopback port, clients in a process of their own, and the
//! figures of a process.
//!
//! ```text
//!   bench process: hub, floor ◄── loopback sockets ──► client process (this program again)
//!         └──────────────── control socket: "read on until …" / "done" ──┘
//! ```
//!
//! The clients are in another process so that the processor time of the server can be told from
//! theirs.
#![allow(dead_code, reason = "each bench uses a part of it")]

pub(crate) mod client;
pub(crate) mod contest;
pub(crate) mod dial;
pub(crate) mod http;
pub(crate) mod polled;
pub(crate) mod process;
pub(crate) mod remote;
pub(crate) mod resuming;
pub(crate) mod server;
pub(crate) mod speech;
pub(crate) mod table;
