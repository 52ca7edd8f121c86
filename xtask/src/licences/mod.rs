//! `cargo xtask licences`: every third-party crate against the list in `deny.toml`.
//!
//! The same file serves `cargo deny check licenses`; this task needs nothing installed.

mod allowed;
mod check;
mod expression;

pub(crate) use check::run;
