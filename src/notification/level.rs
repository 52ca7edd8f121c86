//! How much was accepted and has not been published.

use std::time::Duration;

use crate::notification::hub_service::HubNotificationService;

/// How much waits for the backplane at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Level {
    /// Notifications that were accepted and are neither with the backplane nor given up.
    pub waiting: u64,
    /// The bytes of those that are held in memory.
    pub held_bytes: u64,
    /// How long ago the one that is next was made; `None` where nothing waits.
    pub oldest: Option<Duration>,
    /// Dead letters that are kept.
    pub dead_letters: u64,
    /// The journal, where there is one.
    pub journal: Option<JournalLevel>,
}

/// How full a journal is.
#[derive(Debug, Clone, PartialEq)]
pub struct JournalLevel {
    /// Notifications in it.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How much of what it may hold that is, in notifications or in bytes, whichever is more: 1 is
    /// full.
    pub used: f64,
    /// Whether it takes notifications.
    pub takes: bool,
}

impl HubNotificationService {
    /// How much waits at this moment. Without background processing nothing ever does.
    #[must_use]
    pub fn level(&self) -> Level {
        self.batches().map_or_else(Level::default, |it| it.level())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use mesahub_broker::BrokerError;

    use super::Level;
    use crate::notification::testing::{Stage, table_event};
    use crate::notification::{Backlog, NotificationOptions, NotificationService};

    #[tokio::test(start_paused = true)]
    async fn what_waits_is_told_until_the_backplane_has_it() {
        let stage = Stage::new();
        let service = stage.service(NotificationOptions::default());
        assert_eq!(service.level(), Level::default());
        stage.broker.hold();
        for answer in service.publish([true; 3].map(table_event).into()).await {
            answer.unwrap();
        }
        let level = service.level();
        assert_eq!((level.waiting, level.dead_letters), (3, 0));
        assert!(level.oldest.is_some() && level.held_bytes > 0);
        stage.broker.release();
        service.flush().await;
        let level = service.level();
        assert_eq!((level.waiting, level.oldest), (0, None));
    }

    #[tokio::test(start_paused = true)]
    async fn dead_letters_are_counted_while_they_are_kept() {
        let stage = Stage::new();
        let service = stage.service(NotificationOptions::default());
        stage
            .broker
            .judge(|_| Some(BrokerError::rejected("no permission")));
        let id = service.notify(table_event(true)).await.unwrap();
        service.flush().await;
        assert_eq!(service.level().dead_letters, 1);
        assert!(service.discard(id).await.unwrap());
        assert_eq!(service.level().dead_letters, 0);
    }

    #[tokio::test]
    async fn without_background_processing_nothing_waits() {
        let stage = Stage::new();
        let service = stage.direct();
        service.notify(table_event(true)).await.unwrap();
        assert_eq!(service.level(), Level::default());
    }
}
