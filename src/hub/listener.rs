//! In-process listeners: a host's own code on a topic, beside the connections.

use std::sync::Arc;

use bytes::Bytes;

/// A callback for what arrives on one topic. It runs on the fan-out's thread, so it must be
/// quick and must not block; slow work goes to a queue of its own.
pub(crate) type Callback = Arc<dyn Fn(&str, &Bytes) + Send + Sync>;

/// One listener on one topic.
#[derive(Clone)]
pub(crate) struct Listener {
    serial: u64,
    callback: Callback,
}

impl Listener {
    pub(crate) fn new(serial: u64, callback: Callback) -> Self {
        Self { serial, callback }
    }

    pub(crate) fn serial(&self) -> u64 {
        self.serial
    }

    /// Gives it the topic's channel name and the message as JSON hub protocol bytes.
    pub(crate) fn call(&self, channel: &str, message: &Bytes) {
        (self.callback)(channel, message);
    }
}
