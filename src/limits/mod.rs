//! How much one address, user or tenant may ask of a node, and when a node takes nobody more.
//!
//! ```text
//!   peer, headers ──► proxies ──► ClientAddress
//!                                     │
//!   negotiate, connect ──► entrance ──┴──► Place, for as long as the connection lives
//!                             │  └── admission ──► Handshake, until it has shaken hands
//!                             └── tally: how many of each
//!   hub calls ──► calls ──► window or bucket ──► now, at a moment, or not
//!   publishes, failed logins ──► publishes, failures ──► bucket
//! ```
//!
//! Invariants:
//! - What is counted is held by a guard whose drop is the clean-up.
//! - Whoever is counted is known by a keyed hash of 64 bits: names take no memory here, and nobody
//!   can make two of them meet.
//! - Nothing here has a timer or a task: a limit works out the moments when it is asked.
//! - A limit tells what was reached and when to come back. Status codes and texts for clients are
//!   chosen at the edge.
//!
//! What may not live here: HTTP answers, the hub, settings.

mod admission;
mod bucket;
mod calls;
mod counted;
mod entrance;
mod failures;
mod memory;
mod network;
mod pace;
mod proxies;
mod publishes;
mod recent;
mod refused;
mod tally;
mod window;

pub use admission::{AdmissionOptions, Handshake};
pub(crate) use calls::{Account, TooManyCalls};
pub use calls::{CallLimits, Sharing};
pub use entrance::{ConnectionOptions, Entrance, Place};
pub use failures::FailureLimits;
pub use memory::memory_limit;
pub use network::{Network, NotANetwork};
pub use pace::{Algorithm, Rate};
pub use proxies::{ClientAddress, ForwardedHeader, TrustedProxies};
pub use publishes::PublishLimits;
pub use refused::{Exhausted, Refused};
