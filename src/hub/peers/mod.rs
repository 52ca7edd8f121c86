//! What the nodes of a cluster say to each other, below any hub.
//!
//! ```text
//!   ask, tell ──► letter ──► broker: `mesahub:node:{id}` or `mesahub:nodes`
//!                                            │
//!   asked ◄── worker ◄── queue ◄── take ◄── fan-out
//!   told  ◄───────────────────────┘  │
//!                             lease ◄┘  who is alive
//! ```
//!
//! - A node listens to two topics and no more, however many connections it has: a connection's id
//!   begins with the id of its node, so whoever has the id knows whom to ask.
//! - A node that is not heard of for a lease is gone. Nothing is kept of other nodes but that.
//! - Letters are taken in order, and [`Service::told`] runs in that order; questions are answered
//!   beside each other.
//!
//! What may not live here: connections, groups, hubs.

mod ask;
mod beat;
mod leases;
mod letter;
mod node_id;
mod service;

pub(crate) use ask::{AskError, Peers, topic_of_all};
pub(crate) use letter::{join, split};
pub(crate) use node_id::NODE_ID_LENGTH;
pub use node_id::NodeId;
pub(crate) use service::Service;
