//! The dining sessions, where they are kept here.

use std::sync::Arc;

use crate::app::error::AppError;
use crate::config::{SessionSettings, SessionStoreKind};
use crate::notification::NotificationService;
use crate::session::{DiningSessions, MemorySessions, SessionNotifier, SessionStore, SessionTimes};

/// The dining sessions of a configuration; none where the host keeps them.
pub(super) fn sessions(
    settings: &SessionSettings,
    notifications: Arc<dyn NotificationService>,
) -> Result<Option<Arc<DiningSessions>>, AppError> {
    let Some(store) = store(settings)? else {
        return Ok(None);
    };
    let times = SessionTimes {
        inactive_timeout: settings.inactive_timeout,
        served_order_timeout: settings.served_order_timeout,
        warning_minutes: settings.warning_minutes.clone(),
        sweep_interval: settings.sweep_interval,
        ..SessionTimes::default()
    };
    let notifier = SessionNotifier::new(notifications);
    Ok(Some(Arc::new(DiningSessions::new(store, notifier, times))))
}

fn store(settings: &SessionSettings) -> Result<Option<Arc<dyn SessionStore>>, AppError> {
    match settings.store {
        SessionStoreKind::None => Ok(None),
        SessionStoreKind::Memory => Ok(Some(Arc::new(MemorySessions::default()))),
        SessionStoreKind::Sqlite => sqlite(settings).map(Some),
    }
}

#[cfg(feature = "sqlite")]
fn sqlite(settings: &SessionSettings) -> Result<Arc<dyn SessionStore>, AppError> {
    let path = settings.path.clone();
    let opened = crate::session::SqliteSessions::open(&path);
    let store = opened.map_err(|source| AppError::Sessions { path, source })?;
    Ok(Arc::new(store))
}

#[cfg(not(feature = "sqlite"))]
fn sqlite(_: &SessionSettings) -> Result<Arc<dyn SessionStore>, AppError> {
    Err(AppError::NoSqlite {
        key: "Mesahub:Sessions:Store",
        instead: "Memory",
    })
}
