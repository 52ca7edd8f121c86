//! The section `Mesahub`.

use std::time::Duration;

use serde::Deserialize;

use super::{
    authentication::AuthenticationSettings,
    choice::{LogFormat, LogLevel, Transport},
    limits::LimitSettings,
    metrics::MetricsSettings,
    parse::seconds,
    server::ServerSettings,
    sessions::SessionSettings,
    text::{AllowedOrigin, HubPath},
};

/// What the document of the restaurant system has no section for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct MesahubSettings {
    /// The listening socket, what its connections may ask, and the end of the process.
    pub server: ServerSettings,
    /// Which tokens are believed.
    pub authentication: AuthenticationSettings,
    /// Which web pages may connect.
    pub cors: CorsSettings,
    /// The hub.
    pub hub: HubSettings,
    /// The nodes beside each other.
    pub cluster: ClusterSettings,
    /// What is kept of each channel for clients that come back.
    pub log: LogSettings,
    /// How much one address, user or tenant may ask of this node.
    pub limits: LimitSettings,
    /// Dining sessions.
    pub sessions: SessionSettings,
    /// The log lines of the process.
    pub logging: LoggingSettings,
    /// What a monitoring system may read.
    pub metrics: MetricsSettings,
}

/// Which web pages may connect.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct CorsSettings {
    /// The origins, by their full names; none by default. A wildcard is refused.
    pub allowed_origins: Vec<AllowedOrigin>,
}

/// The hub.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct HubSettings {
    /// Its path, `/hubs/notifications` by default.
    pub path: HubPath,
    /// The transports that clients may use, at least one; all three by default. They are offered
    /// in the order WebSockets, ServerSentEvents, LongPolling.
    pub transports: Vec<Transport>,
    /// How long a client may leave what is written to it untaken: 1 to 600 s, 10 s by default.
    #[serde(deserialize_with = "seconds")]
    pub transport_send_timeout: Duration,
    /// How long a connection is kept while no request carries it, between negotiation and its
    /// transport, between two polls, and while it has lost its WebSocket: 1 to 600 s, 15 s by
    /// default.
    #[serde(deserialize_with = "seconds")]
    pub disconnect_timeout: Duration,
    /// How many bytes of a client's requests wait to be read; over it the requests wait for their
    /// answers: 256 bytes to 1 GiB, 64 KiB by default.
    pub application_max_buffer_size: usize,
    /// What concerns WebSockets alone.
    pub web_sockets: WebSocketSettings,
    /// What concerns long polling alone.
    pub long_polling: LongPollingSettings,
    /// The most bytes that may wait for one slow client, 1 KiB to 1 GiB, 1 MiB by default. Over it
    /// the policy of the channel decides.
    pub outbox_bytes: usize,
    /// How many calls of one connection run at once: 1 to 1000, 1 by default.
    pub maximum_parallel_invocations: usize,
    /// How many more of them may wait for their turn before the connection is read no further: 0
    /// to 10 000, 16 by default.
    pub invocation_backlog: usize,
    /// Whether a client that asks for it may go on as the same connection over another WebSocket
    /// when it has lost one: false by default, as in ASP.NET Core.
    pub allow_stateful_reconnects: bool,
    /// How many bytes sent to such a client are kept until it has acknowledged them: 1024 bytes to
    /// 1 GiB, 100 000 bytes by default.
    pub stateful_reconnect_buffer_size: usize,
}

/// What concerns WebSockets alone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct WebSocketSettings {
    /// How long a client has to close its side after the server has closed its own: 1 to 300 s,
    /// 5 s by default.
    #[serde(deserialize_with = "seconds")]
    pub close_timeout: Duration,
}

/// What concerns long polling alone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct LongPollingSettings {
    /// How long a poll waits for something to send before it is answered with nothing: 1 to 95 s,
    /// since clients give up after 100 s; 90 s by default.
    #[serde(deserialize_with = "seconds")]
    pub poll_timeout: Duration,
}

/// The nodes beside each other, where the backplane joins several processes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct ClusterSettings {
    /// After how much silence a node counts as gone, and its people with it: 2 to 3600 s, 15 s by
    /// default. A node gives a sign of life three times in that time.
    #[serde(deserialize_with = "seconds")]
    pub lease: Duration,
}

/// What is kept of each channel for clients that come back; whichever bound is met first holds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct LogSettings {
    /// How many notifications: 1 to 1 000 000, 256 by default.
    pub max_count: usize,
    /// How many bytes: 1 KiB to 1 GiB, 256 KiB by default.
    pub max_bytes: usize,
    /// For how long: 1 s to 30 days, 600 s by default.
    #[serde(deserialize_with = "seconds")]
    pub max_age: Duration,
    /// How often each node checks that what the logs of its channels hold has also reached it: 1 to
    /// 3600 s, 30 s by default; less than `max_age`.
    #[serde(deserialize_with = "seconds")]
    pub check_interval: Duration,
}

/// The log lines of the process.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct LoggingSettings {
    /// How they look; `text` by default.
    pub format: LogFormat,
    /// The least severe one that is written; `info` by default.
    pub level: LogLevel,
}

impl Default for HubSettings {
    fn default() -> Self {
        Self {
            path: "/hubs/notifications".parse().expect("a literal path"),
            transports: vec![
                Transport::WebSockets,
                Transport::ServerSentEvents,
                Transport::LongPolling,
            ],
            transport_send_timeout: Duration::from_secs(10),
            disconnect_timeout: Duration::from_secs(15),
            application_max_buffer_size: 64 * 1024,
            web_sockets: WebSocketSettings::default(),
            long_polling: LongPollingSettings::default(),
            outbox_bytes: 1024 * 1024,
            maximum_parallel_invocations: 1,
            invocation_backlog: 16,
            allow_stateful_reconnects: false,
            stateful_reconnect_buffer_size: 100_000,
        }
    }
}

impl Default for WebSocketSettings {
    fn default() -> Self {
        Self {
            close_timeout: Duration::from_secs(5),
        }
    }
}

impl Default for LongPollingSettings {
    fn default() -> Self {
        Self {
            poll_timeout: Duration::from_secs(90),
        }
    }
}

impl Default for ClusterSettings {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15),
        }
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            max_count: 256,
            max_bytes: 256 * 1024,
            max_age: Duration::from_secs(600),
            check_interval: Duration::from_secs(30),
        }
    }
}

impl Default for LoggingSettings {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            level: LogLevel::Info,
        }
    }
}
