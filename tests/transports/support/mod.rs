//! What the tests stand on.

mod client;
mod deadline;
mod exchange;
mod frames;
mod request;
mod server;

pub(crate) use client::{Polled, SHAKE, invoke};
pub(crate) use deadline::{becomes, within};
pub(crate) use exchange::{Answer, Exchange};
pub(crate) use frames::Frames;
pub(crate) use request::Request;
pub(crate) use server::{People, Plan, Server, token_of};
