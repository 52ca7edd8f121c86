//! The section `Mesahub:Server`.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::Deserialize;

use super::choice::ForwardedHeader;
use super::drain::DrainSettings;
use super::parse::{seconds, socket_address};
use crate::limits::Network;

/// The listening socket, what its connections may ask, and the end of the process.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct ServerSettings {
    /// The IP address and port to listen on, `127.0.0.1:5080` by default; port 0 takes a free one.
    #[serde(deserialize_with = "socket_address")]
    pub address: SocketAddr,
    /// How long a shutdown may take before what is left is dropped: 1 to 3600 s, 30 s by default.
    #[serde(deserialize_with = "seconds")]
    pub shutdown_timeout: Duration,
    /// How clients are sent away when the server stops.
    pub drain: DrainSettings,
    /// The proxies whose word is taken for where a request comes from, as networks such as
    /// `10.0.0.0/8` or single addresses; none by default.
    pub trusted_proxies: Vec<Network>,
    /// The header in which they tell; `X-Forwarded-For` by default. The other one is not looked at.
    pub forwarded_header: ForwardedHeader,
    /// How long the head of a request may take to arrive, and an HTTP/1 connection may stay idle
    /// between two: 1 to 300 s, 10 s by default.
    #[serde(deserialize_with = "seconds")]
    pub header_timeout: Duration,
    /// How long the body of a request may take to arrive: 1 to 3600 s, 30 s by default.
    #[serde(deserialize_with = "seconds")]
    pub body_timeout: Duration,
    /// How long any connection may be without a request under way: 1 to 3600 s, 60 s by default.
    #[serde(deserialize_with = "seconds")]
    pub idle_timeout: Duration,
    /// The most bytes that the head of a request may have: 8 KiB to 1 MiB, 64 KiB by default.
    pub max_header_bytes: usize,
    /// The most bytes that the path and the query of a request may have: 1024 to 65 534 bytes, 32 KiB
    /// by default.
    pub max_target_bytes: usize,
    /// The most requests that one HTTP/2 connection may have under way: 1 to 10 000, 100 by default.
    pub max_concurrent_streams: u32,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 5080)),
            shutdown_timeout: Duration::from_secs(30),
            drain: DrainSettings::default(),
            trusted_proxies: Vec::new(),
            forwarded_header: ForwardedHeader::XForwardedFor,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            max_header_bytes: 64 * 1024,
            max_target_bytes: 32 * 1024,
            max_concurrent_streams: 100,
        }
    }
}
