//! A hub beside ASP.NET Core servers, on the Redis backplane that they have of their own.
//!
//! ```text
//!   Cluster ──► AspNetCore ──► {hub}:connection:{id}        a message, perhaps a question
//!                   │     ──► {hub}:internal:groups         move this connection, somebody
//!                   │
//!   fan-out ──► receives ──► {hub}:connection:{id}          write it, or put the question
//!                        ──► {hub}:internal:groups          move it if it is here, then ack
//!                        ──► {hub}:internal:ack:{server}    our command is done
//!                        ──► {hub}:internal:return:{server} our question is answered
//! ```
//!
//! Broadcasts, groups and users need nothing of this: their topics and envelopes are the official
//! ones on every wire.
//!
//! Invariants:
//! - The official servers keep no directory of connections, so a connection elsewhere is reached
//!   by the topic of its id, and its server subscribes to that for as long as it has it.
//! - Nobody is acknowledged before the change is in force, and nobody for a connection that is
//!   not here.
//!
//! What may not live here: what only Mesahub nodes tell each other, such as counts and leases.

mod acks;
mod backplane;
mod names;
mod receiving;

pub(crate) use backplane::AspNetCore;
pub(crate) use names::Names;
