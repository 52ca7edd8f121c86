//! The configuration from outside: files in a folder, variables, secrets and overrides go in, settings
//! or problems come out.
#![allow(clippy::unwrap_used)]

mod backplane;
mod effects;
mod layers;
mod refusals;
mod restaurant;
mod secrets;
mod support;
