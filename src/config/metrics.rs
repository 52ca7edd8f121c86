//! The section `Mesahub:Metrics`.

use std::net::SocketAddr;

use serde::Deserialize;

use super::{parse::optional_socket_address, text::HubPath};

/// What a monitoring system may read, and where.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct MetricsSettings {
    /// Whether metrics can be read at all; true by default.
    pub enabled: bool,
    /// The path where they are read, `/metrics` by default.
    pub path: HubPath,
    /// The IP address and port of a listener that serves them alone, to anyone who reaches it; port
    /// 0 takes a free one. Without one, the default, they are served beside the API, to services
    /// whose token covers every tenant.
    #[serde(deserialize_with = "optional_socket_address")]
    pub address: Option<SocketAddr>,
}

impl Default for MetricsSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            path: "/metrics".parse().expect("a literal path"),
            address: None,
        }
    }
}
