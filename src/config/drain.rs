//! The section `Mesahub:Server:Drain`.

use std::time::Duration;

use serde::Deserialize;

use super::parse::{milliseconds, seconds};

/// How clients are sent away when the server stops.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct DrainSettings {
    /// How long the server goes on as before once `/health/ready` says that it stops, so that load
    /// balancers see it: 0 to 300 s, 0 by default, and at most half of the shutdown timeout.
    #[serde(deserialize_with = "seconds")]
    pub notice: Duration,
    /// How many of its clients are sent to reconnect at once, in percent, and ten at least: 1 to
    /// 100, 10 by default.
    pub share: u8,
    /// The pause before the next ones: 0 to 60 000 ms, 500 ms by default. It is cut short where all
    /// of them would take more than half of the time that is left.
    #[serde(deserialize_with = "milliseconds")]
    pub interval: Duration,
}

impl Default for DrainSettings {
    fn default() -> Self {
        Self {
            notice: Duration::ZERO,
            share: 10,
            interval: Duration::from_millis(500),
        }
    }
}
