//! A notification service that remembers what it was told.

use async_trait::async_trait;
use mesahub::auth::{TenantKey, UserId};
use mesahub::channel::Channel;
use mesahub::hub::ConnectionId;
use mesahub::notification::{
    Broadcast, Event, NotificationId, NotificationService, NotifyError, PublishOptions, Receipt,
    SessionExpired,
};
use parking_lot::Mutex;

/// What was told, in order.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) told: Mutex<Vec<String>>,
    /// How many calls are refused first.
    pub(crate) refusing: Mutex<usize>,
}

impl Recorder {
    /// What was told since this was asked last.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.told.lock())
    }

    fn tell(&self, text: String) -> Result<NotificationId, NotifyError> {
        let mut refusing = self.refusing.lock();
        if *refusing > 0 {
            *refusing -= 1;
            return Err(NotifyError::Overloaded);
        }
        self.told.lock().push(text);
        Ok(NotificationId::now())
    }
}

#[async_trait]
impl NotificationService for Recorder {
    async fn publish_with(
        &self,
        events: Vec<Event>,
        _: PublishOptions,
    ) -> Vec<Result<NotificationId, NotifyError>> {
        let text = |event: Event| match event {
            Event::SessionStarted(event) => format!("started at table {}", event.table_number),
            Event::CustomerSessionExpiring(event) => format!("{} min", event.minutes_remaining),
            other => format!("{other:?}"),
        };
        events.into_iter().map(|it| self.tell(text(it))).collect()
    }

    async fn end_session(&self, event: SessionExpired) -> Result<NotificationId, NotifyError> {
        self.tell(event.reason.to_string())
    }

    async fn broadcast_with(
        &self,
        _: Broadcast,
        _: PublishOptions,
    ) -> Result<NotificationId, NotifyError> {
        Err(NotifyError::Closed)
    }

    async fn receipt(&self, _: NotificationId) -> Result<Option<Receipt>, NotifyError> {
        Err(NotifyError::Closed)
    }

    async fn add_to_group(&self, _: ConnectionId, _: &Channel) -> Result<(), NotifyError> {
        Err(NotifyError::Closed)
    }

    async fn remove_from_group(&self, _: ConnectionId, _: &Channel) -> Result<(), NotifyError> {
        Err(NotifyError::Closed)
    }

    async fn is_user_online(&self, _: &TenantKey, _: &UserId) -> Result<bool, NotifyError> {
        Err(NotifyError::Closed)
    }

    async fn active_connections_count(&self, _: &TenantKey) -> Result<u64, NotifyError> {
        Err(NotifyError::Closed)
    }
}
