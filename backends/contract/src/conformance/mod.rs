//! The promises of the [contract](crate), as functions that a backend's tests run.
//!
//! ```text
//!   backend's tests ── Harness ──▶ run_all ──▶ delivery, ordering, lifecycle,
//!                        │            │        names, log, once, recovery
//!             fresh nodes on one      └──▶ Report: what was proven,
//!             shared backplane             what was left out, and why
//! ```
//!
//! A function panics when its promise is broken. None sleeps: what must come is awaited under a
//! deadline, and what must not come is proven by a marker that follows it on the same topic.
//!
//! Nothing is left out in silence. A promise is left out only when the backend's
//! [`Capabilities`](crate::Capabilities) say that it has no such thing, and the [`Report`] names
//! it. A harness whose server is missing must fail.
//!
//! No promise of one backend alone may live here, and nothing that reads the environment.

mod harness;
mod node;
mod report;
mod run;

pub mod delivery;
pub mod lifecycle;
pub mod log;
pub mod names;
pub mod once;
pub mod ordering;
pub mod recovery;

pub use harness::{Fault, Harness, Wrapped};
pub use node::Node;
pub use report::{Excluded, Report};
pub use run::run_all;
