//! What answers the questions of other nodes.

use async_trait::async_trait;
use bytes::Bytes;

/// A part of this node that other nodes talk to, under a name.
#[async_trait]
pub(crate) trait Service: Send + Sync {
    /// Answers a question of another node.
    async fn asked(&self, question: Bytes) -> Bytes;

    /// Takes something that nobody waits for. Runs on the fan-out's thread, in the order in which
    /// it was sent, so it must not block.
    fn told(&self, _message: Bytes) {}
}
