//! What people try who are not let in: a table of attempts on a whole server, each with the refusal
//! that it must meet, and an honest client that must not notice any of them.
//!
//! ```text
//!   rows/*.rs ─► table.rs ─► attempt.rs: through each of its doors ─► the refusal that it expects
//!                                │ after each
//!                            honest.rs: an order is published, and heard as the next one
//! ```
//!
//! More attempts are a file in `rows` and a line in `table.rs`. A row is an [`attempt::Attempt`]: a
//! name, the requests byte for byte, and what is expected.
#![cfg(feature = "memory")]
#![allow(clippy::unwrap_used)]

mod attempt;
mod honest;
mod house;
#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "../support/in_process.rs"]
mod in_process;
mod issuer;
#[allow(dead_code, reason = "the tests of the room need more of it")]
#[path = "../../src/auth/testing.rs"]
mod key_pair;
mod poison;
mod rows;
mod table;
mod token;
mod wire;

use mesahub::auth::{KeyKind, SigningAlgorithm};
