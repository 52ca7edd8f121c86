//! The section `Mesahub:Limits`.

use std::time::Duration;

use serde::Deserialize;

use super::choice::{CallAccount, RateAlgorithm};
use super::parse::seconds;

/// How much one address, user or tenant may ask of this node, and when it takes nobody more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct LimitSettings {
    /// How many connections there may be.
    pub connections: ConnectionLimitSettings,
    /// How often a client may call methods of the hub.
    pub calls: CallLimitSettings,
    /// How much a service may publish over HTTP.
    pub publishes: PublishLimitSettings,
    /// How often an address may show tokens that are not accepted.
    pub failures: FailureLimitSettings,
    /// When nobody may connect.
    pub admission: AdmissionSettings,
}

/// How many connections there may be on this node, each up to 100 000 000; 0 is no bound.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct ConnectionLimitSettings {
    /// From one IPv4 address or one IPv6 network of 64 bits; 0 by default, since behind a proxy that
    /// is not among `Mesahub:Server:TrustedProxies` all clients have its address.
    pub per_address: u32,
    /// Of one user of a tenant; 100 by default.
    pub per_user: u32,
    /// Of one tenant; 0 by default.
    pub per_tenant: u32,
    /// In all; 0 by default.
    pub total: u32,
}

/// How often a client may call methods of the hub.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct CallLimitSettings {
    /// How it is measured; `FixedWindow` by default.
    pub algorithm: RateAlgorithm,
    /// Who shares one account; `Connection` by default, so that nobody does.
    pub per: CallAccount,
    /// How many calls there may be in a window, and how many tokens a bucket holds: up to 1 000 000,
    /// 100 by default; 0 is no bound.
    pub permit_limit: u32,
    /// How long a window is, and how long an empty bucket takes to fill: 1 to 86 400 s, 60 s by
    /// default.
    #[serde(deserialize_with = "seconds")]
    pub window: Duration,
    /// How many more calls may wait for their turn: up to 10 000, 10 by default.
    pub queue_limit: u32,
}

/// How much a service may publish over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct PublishLimitSettings {
    /// How many notifications a second, on average: up to 1 000 000, 2000 by default; 0 is no bound.
    pub per_second: u32,
    /// How many at once: 1 to 10 000 000, 10 000 by default.
    pub burst: u32,
}

/// How often an address may show tokens that are not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct FailureLimitSettings {
    /// How often in a window: up to 1 000 000, 300 by default; 0 is no bound.
    pub per_address: u32,
    /// How long a window is: 1 to 86 400 s, 60 s by default.
    #[serde(deserialize_with = "seconds")]
    pub window: Duration,
}

/// When nobody may connect.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct AdmissionSettings {
    /// How many bytes of memory the process may have and still take connections: up to 1 PiB. 0, the
    /// default, is 90 percent of what its control group may have, and no bound outside one.
    pub memory_bytes: u64,
    /// How many connections may be between their transport and the end of their connect handler: up
    /// to 10 000 000, 10 000 by default; 0 is no bound. One tenant has at most as many as are free.
    pub handshakes: u32,
}

impl Default for ConnectionLimitSettings {
    fn default() -> Self {
        Self {
            per_address: 0,
            per_user: 100,
            per_tenant: 0,
            total: 0,
        }
    }
}

impl Default for CallLimitSettings {
    fn default() -> Self {
        Self {
            algorithm: RateAlgorithm::FixedWindow,
            per: CallAccount::Connection,
            permit_limit: 100,
            window: Duration::from_secs(60),
            queue_limit: 10,
        }
    }
}

impl Default for PublishLimitSettings {
    fn default() -> Self {
        Self {
            per_second: 2_000,
            burst: 10_000,
        }
    }
}

impl Default for FailureLimitSettings {
    fn default() -> Self {
        Self {
            per_address: 300,
            window: Duration::from_secs(60),
        }
    }
}

impl Default for AdmissionSettings {
    fn default() -> Self {
        Self {
            memory_bytes: 0,
            handshakes: 10_000,
        }
    }
}
