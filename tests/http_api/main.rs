//! The HTTP API as back ends see it: every test speaks to it over a real socket, and every answer
//! is held against the OpenAPI document.
#![cfg(feature = "memory")]
#![allow(clippy::unwrap_used)]

mod asking;
mod bodies;
mod client;
mod connections;
mod dead_letters;
mod document;
mod health;
mod keys;
mod listening;
mod openapi;
mod publishing;
mod refusals;
mod server;
mod serving;
mod sessions;
