//! The section `Mesahub:Sessions`.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::{choice::SessionStoreKind, parse::seconds};

/// Where dining sessions are kept, and how long they last.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct SessionSettings {
    /// Where they are kept; `None` by default, which leaves them to the host.
    pub store: SessionStoreKind,
    /// The file of the store `Sqlite`, `mesahub-sessions.db` in the working folder by default.
    pub path: PathBuf,
    /// How long a session without an order lasts after its last activity: 60 s to 30 days, 1800 s
    /// by default.
    #[serde(deserialize_with = "seconds")]
    pub inactive_timeout: Duration,
    /// The same for a session that has ordered: 60 s to 30 days, 7200 s by default.
    #[serde(deserialize_with = "seconds")]
    pub served_order_timeout: Duration,
    /// At how many minutes before the end guests are warned, each from 1 to 1440; 5 and 1 by
    /// default.
    pub warning_minutes: Vec<u32>,
    /// How often to look for sessions that are due: 1 to 3600 s, 5 s by default.
    #[serde(deserialize_with = "seconds")]
    pub sweep_interval: Duration,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            store: SessionStoreKind::None,
            path: "mesahub-sessions.db".into(),
            inactive_timeout: Duration::from_secs(1_800),
            served_order_timeout: Duration::from_secs(7_200),
            warning_minutes: vec![5, 1],
            sweep_interval: Duration::from_secs(5),
        }
    }
}
