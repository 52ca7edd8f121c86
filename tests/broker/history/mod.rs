//! The history of a topic, on any backend, beside a plain list: after any short sequence of
//! publications and reads both give the same answers, at every bound.
//!
//! ```text
//!   steps ──► proof ──► publish, read_log ──► a node, on a real server
//!               └────── answers ──► list: what it may be
//! ```
//!
//! What a list allows a backend beyond its own answer, [`Allowed`](list::Allowed) says.

mod list;
mod proof;
mod steps;

pub(crate) use list::BOUNDS;
pub(crate) use proof::{History, answers_like_a_list};
