//! Examines the configured backplane and says in plain words what to mend.
//!
//! ```text
//!   build ─► reach: address, connection ─► the backend's own look: TLS, login, version, …
//!                                                  │ nothing failed
//!    large payload ◄─ company ◄─ log ◄─ traffic: latency, delivery, count ◄─ pair of nodes
//! ```
//!
//! - What stands in the way of everything after it ends the examination.
//! - Whatever is tried is tried as a node would, with the configured rights and names, on topics
//!   that nobody else uses. A log that it leaves is dropped at its age.
//!
//! What may not live here: anything of one backend alone. That is in the backend's own `doctor`.

mod company;
mod examination;
mod log;
mod pair;
mod reach;
mod traffic;
mod trouble;

pub use examination::{examine, misconfigured};
