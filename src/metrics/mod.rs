//! What a monitoring system reads of a running node, in the text formats of Prometheus.
//!
//! ```text
//!   GET /metrics ──► endpoint ──► who may read? ──► Sources ──► sheet ──► text
//!                                                     ▲
//!   hub::Traffic, Counters, Census ── notification::Level ── broker::Meters ── http, session
//! ```
//!
//! Invariants:
//! - Each room counts for itself, in plain atomics; this one reads them when it is asked, and
//!   nothing is counted twice for its sake.
//! - No label holds a tenant, a user, a session, a connection or anything else that somebody else
//!   chose: the values of every label are a closed list of the program's own.
//! - What is exposed is in the table of metrics, and `docs/metrics.md` is written from that table.
//!
//! What may not live here: counting.

mod accept;
mod backplane;
mod build;
mod catalogue;
mod connections;
mod delivery;
mod endpoint;
mod http;
mod metric;
mod notifications;
mod process;
mod reference;
mod sessions;
mod sheet;
mod sources;

pub use catalogue::catalogue;
pub use endpoint::{Readers, routes};
pub use metric::{Kind, Metric};
pub use reference::reference;
pub use sheet::Format;
pub use sources::Sources;
