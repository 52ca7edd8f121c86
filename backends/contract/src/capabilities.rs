//! What a backend can and cannot do by its nature.

/// What a backend can do. It chooses the promises the backend is tested for and fills the table
/// in the feature guide; nothing else may depend on it but whether to ask for a log.
///
/// No more than six fields, ever: what most backends differ in belongs in the contract or out of
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Topics may have a log. Without it, [`read_log`](crate::Broker::read_log) answers
    /// [`LogUnsupported`](crate::BrokerError::LogUnsupported) and no delivery has a position.
    pub log: bool,
    /// What is in a log is still there after the broker was restarted.
    pub log_survives_restart: bool,
    /// [`subscriber_count`](crate::Broker::subscriber_count) is exact. Without it, the count only
    /// tells some from none.
    pub exact_subscriber_count: bool,
    /// The broker is a process of its own: it joins nodes on several machines, and it may be away
    /// while this node runs.
    pub separate_server: bool,
    /// The largest payload in bytes, at least [`MAX_PAYLOAD`](crate::MAX_PAYLOAD).
    pub max_payload: usize,
}
