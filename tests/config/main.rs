//! The configuration from outside: files in a folder, variables, secrets and overrides go in, settings
//! or problems come out.
#![allow(clippy::unwrap_used)]

mod backplane;
mod effects;
#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "../support/in_process.rs"]
mod in_process;
#[allow(dead_code, reason = "the tests of the room need more of it")]
#[path = "../../src/auth/testing.rs"]
mod key_pair;
mod layers;
mod refusals;
mod restaurant;
mod secrets;
mod support;
mod tokens;

use mesahub::auth::{KeyKind, SigningAlgorithm};
