//! What is particular to Redis when a backplane is examined.
//!
//! ```text
//!   primary ─► TLS ─► login ─► version, role, memory, clock
//! ```
//!
//! Whoever stands before one of the first three sees nothing of what follows. What can be tried
//! through the broker, such as the rights to publish and to keep a log, is not tried here.

mod entrance;
mod examine;
mod server;

pub use examine::examine;
