//! What the in-memory backplane may be told.

use mesahub_broker::LogBounds;

/// Settings of a [`MemoryNetwork`](crate::MemoryNetwork).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryConfig {
    /// How much of each topic's history is kept.
    pub log: LogBounds,
}
