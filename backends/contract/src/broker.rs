//! The backplane as the code sees it.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{BrokerError, Capabilities, LogPage, Position, Publication, Published, Topic};

/// The backplane, seen from one node.
///
/// A backend is built with an [`Inbox`](crate::Inbox), and what it receives goes there and nowhere
/// else. All methods may be called from many tasks at once. Beyond its `Inbox` a backend keeps no
/// task, socket or queue per topic.
///
/// # Waiting
///
/// Every call ends by itself: with a broker that does not answer, in
/// [`Timeout`](BrokerError::Timeout) or [`Unavailable`](BrokerError::Unavailable), after a time
/// the backend's configuration sets. The one thing a call may wait for without a limit is room in
/// an inbox, so whoever reads an [`InboxShard`](crate::InboxShard) must not publish from the same
/// task.
#[async_trait]
pub trait Broker: Send + Sync + 'static {
    /// Sends a batch, in order, and says for each item, in its place, whether the broker has taken
    /// it. The answer is as long as the batch.
    ///
    /// A refused item does not stop the ones after it. To keep order, a caller that repeats what
    /// failed repeats it before anything later for the same topic.
    ///
    /// Dropping the future may leave any part of the batch published.
    ///
    /// # Errors
    /// Per item: [`TooLarge`](BrokerError::TooLarge), [`Closed`](BrokerError::Closed), or what the
    /// broker said. While the broker is away, soon and retryable.
    async fn publish(&self, batch: Vec<Publication>) -> Vec<Result<Published, BrokerError>>;

    /// Declares that this node wants these topics. Returns once the broker has acted on it, so
    /// that whatever is published afterwards, anywhere, arrives. Naming a topic twice, or one that
    /// is already subscribed, changes nothing: counting members is the caller's business.
    ///
    /// A subscription lasts until it is taken back; the backend restores it after an interruption.
    ///
    /// What is published while the call runs may or may not arrive, and may do so before the call
    /// returns. After an error, or when the future was dropped, each topic may be subscribed or
    /// not; calling again, or [`unsubscribe`](Self::unsubscribe), settles it.
    ///
    /// # Errors
    /// [`Closed`](BrokerError::Closed), or what the broker said.
    async fn subscribe(&self, topics: &[Topic]) -> Result<(), BrokerError>;

    /// Takes the declaration back. Once it has returned, nothing more of these topics is pushed
    /// into the inbox; what was pushed before may still be waiting there. A topic that was not
    /// subscribed is no error.
    ///
    /// An error, or a dropped future, leaves what [`subscribe`](Self::subscribe) says.
    ///
    /// # Errors
    /// [`Closed`](BrokerError::Closed), or what the broker said.
    async fn unsubscribe(&self, topics: &[Topic]) -> Result<(), BrokerError>;

    /// How many nodes of the whole cluster are subscribed to a topic. Publishes nothing.
    ///
    /// # Errors
    /// [`Closed`](BrokerError::Closed), or what the broker said.
    async fn subscriber_count(&self, topic: &Topic) -> Result<u64, BrokerError>;

    /// Reads at most `limit` entries of a topic's log that follow `after`, or from the oldest that
    /// is kept when there is no `after`. A limit of zero reads no entry and still answers
    /// [`newest`](LogPage::newest).
    ///
    /// Positions come from [`Published`], [`Delivery`](crate::Delivery), [`LogPage`] and
    /// [`LogEntry`](crate::LogEntry) of the same topic. An entry whose delivery or publication was
    /// answered is in the log by then, unless the bounds have dropped it again.
    ///
    /// # Errors
    /// [`LogUnsupported`](BrokerError::LogUnsupported);
    /// [`UnknownPosition`](BrokerError::UnknownPosition) when something after the position has
    /// been dropped or might have been, or when the position was never issued and none that was
    /// could be in its place;
    /// [`Closed`](BrokerError::Closed), or what the broker said.
    async fn read_log(
        &self,
        topic: &Topic,
        after: Option<Position>,
        limit: usize,
    ) -> Result<LogPage, BrokerError>;

    /// Asks the broker for an answer, there and back, and fails when there is none in time. Never
    /// answered from memory of an earlier state.
    ///
    /// # Errors
    /// [`Closed`](BrokerError::Closed), or what stood in the way.
    async fn health(&self) -> Result<(), BrokerError>;

    /// What this backend can do. The same answer for as long as it lives.
    fn capabilities(&self) -> Capabilities;

    /// Ends this node's part: takes back every subscription, leaves nothing on the broker that
    /// belongs to this node alone, and lets go of the inbox, so that its shards end once they are
    /// drained. Logs stay. Closing twice is closing once.
    ///
    /// It does what it can and then stops: a broker that is away cannot prevent it.
    async fn close(&self);
}

#[async_trait]
impl<B: Broker + ?Sized> Broker for Arc<B> {
    async fn publish(&self, batch: Vec<Publication>) -> Vec<Result<Published, BrokerError>> {
        (**self).publish(batch).await
    }

    async fn subscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        (**self).subscribe(topics).await
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> Result<(), BrokerError> {
        (**self).unsubscribe(topics).await
    }

    async fn subscriber_count(&self, topic: &Topic) -> Result<u64, BrokerError> {
        (**self).subscriber_count(topic).await
    }

    async fn read_log(
        &self,
        topic: &Topic,
        after: Option<Position>,
        limit: usize,
    ) -> Result<LogPage, BrokerError> {
        (**self).read_log(topic, after, limit).await
    }

    async fn health(&self) -> Result<(), BrokerError> {
        (**self).health().await
    }

    fn capabilities(&self) -> Capabilities {
        (**self).capabilities()
    }

    async fn close(&self) {
        (**self).close().await;
    }
}
