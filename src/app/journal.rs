//! The journal of accepted notifications, where there is one.

use crate::app::error::AppError;
use crate::config::{JournalSettings, JournalSync, NotificationSettings};
use crate::journal::JournalStore;
use crate::notification::JournalOptions;

/// A store and how it is used.
type Journal = (Box<dyn JournalStore>, JournalOptions);

/// The journal of a configuration.
pub(super) fn journal(settings: &NotificationSettings) -> Result<Option<Journal>, AppError> {
    if !settings.journal.enabled {
        return Ok(None);
    }
    Ok(Some((store(settings)?, options(&settings.journal))))
}

fn options(settings: &JournalSettings) -> JournalOptions {
    JournalOptions {
        max_count: settings.max_count,
        max_bytes: settings.max_bytes,
        grouped: settings.sync != JournalSync::Each,
    }
}

#[cfg(feature = "sqlite")]
fn store(settings: &NotificationSettings) -> Result<Box<dyn JournalStore>, AppError> {
    use crate::journal::{SqliteJournal, Sync};

    let path = settings.journal.path.clone();
    let sync = match settings.journal.sync {
        JournalSync::Each | JournalSync::Grouped => Sync::Always,
        JournalSync::Off => Sync::Never,
    };
    let opened = SqliteJournal::open(&path, sync, settings.idempotency_window);
    let store = opened.map_err(|source| AppError::Journal { path, source })?;
    Ok(Box::new(store))
}

#[cfg(not(feature = "sqlite"))]
fn store(_: &NotificationSettings) -> Result<Box<dyn JournalStore>, AppError> {
    Err(AppError::NoSqlite {
        key: "RealTimeConfiguration:Notifications:Journal:Enabled",
        instead: "false",
    })
}
