//! `cargo xtask docs`: writes `docs/configuration.md` out of what the settings say of themselves.
//!
//! ```text
//!   src/config/*.rs ──► fields, their docs, choices ─┐
//!                                                    ├──► page
//!   config/appsettings.json ──► defaults ────────────┘
//! ```
//!
//! The page is never written by hand: a test compares it with what this would write.

mod page;
mod run;
mod source;

pub(crate) use run::run;
