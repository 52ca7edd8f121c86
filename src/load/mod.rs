//! A load generator for any SignalR server: many connections, messages with numbers, and a verdict
//! on what was lost, doubled or reordered.
//!
//! ```text
//!   Plan ──► fleet: ramp of clients ──► storm ──► publishers ──► what is on its way ──► Report
//!               │                                     │
//!             client ◄── line ◄── door                │   mark: run, channel, number, time
//!               │        WebSocket  negotiation       ▼
//!             ledger ◄──────────────────────── tally: counts, times
//! ```
//!
//! Invariants:
//! - Every message carries a [mark](self) of plain letters, which is found in whatever form the
//!   server hands it on, in both hub protocols.
//! - The messages of a channel have numbers without holes and one publisher, so the order is known.
//! - Nothing is published before everybody is connected and has joined, so every member must hear
//!   every number.
//! - What a publisher was refused counts as refused, and is missed by nobody.
//!
//! What may not live here: anything of Mesahub's own hub but its hub protocols, since any server may
//! be at the other end.

mod address;
mod answer;
mod client;
mod descriptors;
mod door;
mod error;
mod fleet;
mod ledger;
mod line;
mod mark;
mod plan;
mod publisher;
mod refusal;
mod report;
mod run;
mod tally;
mod template;
mod wire;

pub use address::{Address, AddressError};
pub use error::LoadError;
pub use plan::{Call, Channels, Plan, Publishing};
pub use report::{Connections, Messages, Report, Storm, Times};
pub use run::{Progress, run};
