//! Tells people about the life of dining sessions.

use std::fmt;
use std::sync::Arc;

use crate::auth::{SessionId, TenantKey};
use crate::notification::{
    Label, Metadata, NotificationId, NotificationService, NotifyError, SessionExpired,
};

/// Tells a dining session and the admins of its tenant how it stands, and sends its guests away
/// when it is over. Whoever calls it decides when that is.
#[derive(Clone)]
pub struct SessionNotifier {
    notifications: Arc<dyn NotificationService>,
}

impl SessionNotifier {
    /// A notifier that speaks through a notification service.
    #[must_use]
    pub fn new(notifications: Arc<dyn NotificationService>) -> Self {
        Self { notifications }
    }

    /// Tells the admins that a session has begun.
    ///
    /// # Errors
    /// As [`NotificationService::publish`].
    pub async fn session_started(
        &self,
        tenant: TenantKey,
        session: SessionId,
        table_number: Label,
    ) -> Result<NotificationId, NotifyError> {
        self.notifications
            .notify_session_started(tenant, session, table_number)
            .await
    }

    /// Tells a session how many minutes it has left.
    ///
    /// # Errors
    /// As [`NotificationService::publish`].
    pub async fn session_expiring(
        &self,
        tenant: TenantKey,
        session: SessionId,
        minutes_remaining: u32,
    ) -> Result<NotificationId, NotifyError> {
        self.notifications
            .notify_customer_session_expiring(Some(tenant), session, minutes_remaining)
            .await
    }

    /// Tells a session and the admins that it has run out, and why, such as
    /// `InactiveSessionTimeout`; then ends its connections.
    ///
    /// # Errors
    /// As [`NotificationService::publish`].
    pub async fn session_expired(
        &self,
        tenant_key: TenantKey,
        session_id: SessionId,
        table_number: Label,
        reason: Label,
    ) -> Result<NotificationId, NotifyError> {
        let metadata = Metadata::default();
        let event = SessionExpired {
            tenant_key,
            session_id,
            table_number,
            reason,
            metadata,
        };
        self.notifications.end_session(event).await
    }

    /// Tells a session and the admins that somebody has closed it, as a `SessionExpired` with the
    /// reason `SessionClosed`; then ends its connections.
    ///
    /// # Errors
    /// As [`NotificationService::publish`].
    pub async fn session_closed(
        &self,
        tenant: TenantKey,
        session: SessionId,
        table_number: Label,
    ) -> Result<NotificationId, NotifyError> {
        self.session_expired(tenant, session, table_number, session_closed())
            .await
    }
}

/// The reason of a session that somebody has closed.
pub(crate) fn session_closed() -> Label {
    "SessionClosed".parse().expect("the text is a label")
}

impl fmt::Debug for SessionNotifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionNotifier").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;
    use crate::notification::testing::{SESSION, Stage, admin, customer};

    #[tokio::test]
    async fn a_session_and_its_admins_are_told_how_it_stands() {
        let stage = Stage::new();
        let boss = stage.connect(admin("pizza")).await.unwrap();
        let guest = stage.connect(customer("pizza", SESSION)).await.unwrap();
        let notifier = SessionNotifier::new(Arc::new(stage.direct()));
        let tenant: TenantKey = "pizza".parse().unwrap();
        let session: SessionId = SESSION.parse().unwrap();
        let table: Label = "4".parse().unwrap();

        notifier
            .session_expiring(tenant.clone(), session, 5)
            .await
            .unwrap();
        let (target, notification) = guest.next().await;
        assert_eq!(
            (&*target, &notification["tenantKey"]),
            ("SessionExpiring", &json!("pizza"))
        );
        assert_eq!(notification["data"]["minutesRemaining"], 5);

        let reason = "InactiveSessionTimeout".parse().unwrap();
        notifier
            .session_expired(tenant.clone(), session, table.clone(), reason)
            .await
            .unwrap();
        notifier
            .session_closed(tenant, session, table)
            .await
            .unwrap();
        for client in [&guest, &boss] {
            for reason in ["InactiveSessionTimeout", "SessionClosed"] {
                let (target, notification) = client.next().await;
                assert_eq!(
                    (&*target, &notification["data"]["reason"]),
                    ("SessionExpired", &json!(reason))
                );
            }
        }
    }
}
