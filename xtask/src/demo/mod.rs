//! `cargo xtask demo` and `cargo xtask watch`: a hub to try out, with nothing but Rust installed.

mod commands;
mod http;
mod hub_client;
mod proof;
mod run;
mod server;
mod tokens;

pub(crate) use run::{Options, run, watch};
