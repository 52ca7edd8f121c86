//! A hub on all its nodes: asking and acting wherever a connection is.
//!
//! ```text
//!   Cluster ──► is it here? ──► the hub's own
//!      └──► question ──► peers ⇢ another node ──► Answering ──► its hub's own
//! ```
//!
//! A connection's id names its node, so what concerns one connection is one question to one node,
//! acknowledged. Counts are asked of all nodes at once and are as true as the moment; nothing is
//! kept of other nodes' people.

mod answering;
mod instance;
mod question;
mod result;

pub(crate) use answering::{Answering, encoded};
pub use instance::{Cluster, ClusterError, Whois};
pub(crate) use result::{forward, received};
