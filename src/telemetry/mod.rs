//! What an operator sees of a running node.
//!
//! Invariant: no token and no secret is ever written; queries are redacted before they are logged.

pub mod logging;
pub mod trace_parent;

pub use logging::{LoggingError, start};
pub use trace_parent::{InvalidTraceParent, TraceId, TraceParent};
