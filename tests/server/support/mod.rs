//! A server to test against, and two kinds of client: one that keeps to the rules and one that
//! writes whatever bytes a test wants.

mod asking;
mod client;
mod deadline;
mod gated;
pub(crate) mod line;
pub(crate) mod messages;
mod methods;
pub(crate) mod official;
#[cfg(feature = "redis")]
pub(crate) mod plain_redis;
mod raw;
mod request;
mod server;
mod stage;
mod streaming;

pub(crate) use client::{Client, Incoming};
pub(crate) use deadline::{becomes, within};
pub(crate) use gated::Gated;
pub(crate) use raw::{BINARY, CLOSE, PING, PONG, Raw, Sent, TEXT, frame, masked};
pub(crate) use request::{Request, Response};
pub(crate) use server::{Plan, Server};
pub(crate) use stage::{Door, Stage};
