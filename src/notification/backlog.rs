//! What an operator may see and do about what was accepted and has not been published.

use async_trait::async_trait;

use crate::notification::{
    dead_letter::DeadLetter, error::NotifyError, hub_service::HubNotificationService,
    id::NotificationId,
};

/// What was accepted and has not been published. Without background processing there is never any.
#[async_trait]
pub trait Backlog: Send + Sync {
    /// What stands in the way of accepting more, if anything does.
    fn trouble(&self) -> Option<String>;

    /// The notifications that were given up, by id, from behind the one that is named: at most
    /// `limit`. At most 1,000 and 16 MiB are kept, in a journal 10,000; the oldest give way.
    ///
    /// # Errors
    /// When the journal cannot be read.
    async fn dead_letters(
        &self,
        after: Option<NotificationId>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, NotifyError>;

    /// Accepts a dead letter anew, under its old id, for the topics that it did not reach.
    /// `Ok(false)` when there is none of this id.
    ///
    /// # Errors
    /// As publishing; the letter is then among the dead ones again.
    async fn revive(&self, id: NotificationId) -> Result<bool, NotifyError>;

    /// Forgets a dead letter. `Ok(false)` when there is none of this id.
    ///
    /// # Errors
    /// When the journal cannot be written.
    async fn discard(&self, id: NotificationId) -> Result<bool, NotifyError>;
}

#[async_trait]
impl Backlog for HubNotificationService {
    fn trouble(&self) -> Option<String> {
        self.batches().and_then(|batches| batches.trouble())
    }

    async fn dead_letters(
        &self,
        after: Option<NotificationId>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, NotifyError> {
        match self.batches() {
            Some(batches) => batches.dead_letters(after, limit).await,
            None => Ok(Vec::new()),
        }
    }

    async fn revive(&self, id: NotificationId) -> Result<bool, NotifyError> {
        match self.batches() {
            Some(batches) => batches.revive(id).await,
            None => Ok(false),
        }
    }

    async fn discard(&self, id: NotificationId) -> Result<bool, NotifyError> {
        match self.batches() {
            Some(batches) => batches.discard(id).await,
            None => Ok(false),
        }
    }
}
