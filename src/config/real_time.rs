//! The section `RealTimeConfiguration`.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::{
    choice::{JournalSync, Provider, RedisDeployment, Wire},
    parse::{milliseconds, seconds},
    provider::ProviderSettings,
    secret::Secret,
};

/// The backplane, the hub protocol and the sending of notifications.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct RealTimeSettings {
    /// What joins the nodes; `Memory` by default.
    pub provider: Provider,
    /// The address of the backplane; wins over `ProviderSpecific` when it is not empty. A URL
    /// (`redis://`, `rediss://`, `nats://`, `tls://`, `amqp://`, `amqps://`) or, for Redis, the form
    /// `host:6380,password=…,ssl=True` of StackExchange.Redis. Needs a `Provider` other than `Memory`.
    pub connection_string: Secret,
    /// One address for each provider.
    pub provider_specific: ProviderSettings,
    /// How Redis is used, whoever provides it.
    pub redis: RedisSettings,
    /// The hub protocol.
    pub signal_r: SignalRSettings,
    /// How notifications are sent.
    pub notifications: NotificationSettings,
}

/// How Redis is used.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct RedisSettings {
    /// Whose names and envelopes to use; `Mesahub` by default.
    pub wire: Wire,
    /// What every channel name begins with; `mesamagica` by default. A `channelPrefix` in the
    /// connection string wins.
    pub channel_prefix: String,
    /// The full .NET type name of the hub, such as `MesaApi.Hubs.NotificationHub`; needed while
    /// `Wire` is `AspNetCore`, where it is a part of the channel names.
    pub hub_type_name: String,
    /// Which servers there are; `Auto` by default.
    pub deployment: RedisDeployment,
    /// The name under which Sentinels watch the primary. A `serviceName` in the connection string
    /// wins.
    pub service_name: String,
    /// A file with the certificates of authorities in PEM, in place of those the machine trusts,
    /// where TLS is used.
    pub authorities_file: String,
    /// How long connecting may take, with TLS and login: 1 to 600 000 ms, 5000 ms by default. A
    /// `connectTimeout` in the connection string wins.
    #[serde(deserialize_with = "milliseconds")]
    pub connect_timeout: Duration,
    /// How long an answer may take: 1 to 600 000 ms, 5000 ms by default. A server that hangs is
    /// noticed after twice as long. A `syncTimeout` in the connection string wins.
    #[serde(deserialize_with = "milliseconds")]
    pub response_timeout: Duration,
    /// The first pause before a lost connection is tried again; later ones double, with chance
    /// added: 1 to 600 000 ms, 50 ms by default.
    #[serde(deserialize_with = "milliseconds")]
    pub min_backoff: Duration,
    /// The longest such pause: 1 to 600 000 ms, 1000 ms by default.
    #[serde(deserialize_with = "milliseconds")]
    pub max_backoff: Duration,
}

/// The hub protocol, with the names and meanings of ASP.NET Core.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct SignalRSettings {
    /// Whether the text of any failure goes to the client; off by default.
    pub enable_detailed_errors: bool,
    /// How long a connection may be silent before a ping is sent: 1 to 3600 s, 15 s by default.
    #[serde(deserialize_with = "seconds")]
    pub keep_alive_interval: Duration,
    /// How long a client may be silent before it is given up: 2 to 7200 s, 30 s by default, and at
    /// least twice [`keep_alive_interval`](Self::keep_alive_interval).
    #[serde(deserialize_with = "seconds")]
    pub client_timeout_interval: Duration,
    /// How long a new connection may take to shake hands: 1 to 300 s, 15 s by default.
    #[serde(deserialize_with = "seconds")]
    pub handshake_timeout: Duration,
    /// The longest message that a client may send: 256 bytes to 16 MiB, 32 768 bytes by default.
    pub max_buffer_size: usize,
    /// How many bytes are handed to a transport in one write; what is larger leaves in several:
    /// 256 bytes to 1 GiB, 32 768 bytes by default. How many may wait for a slow client is
    /// [`HubSettings::outbox_bytes`](super::HubSettings::outbox_bytes), which must not be smaller.
    pub transport_max_buffer_size: usize,
    /// How many items of an upload stream wait for their handler: 1 to 10 000, 10 by default.
    pub stream_buffer_capacity: usize,
    /// Whether clients may choose the MessagePack protocol where this build has it; on by default.
    pub enable_message_pack_protocol: bool,
}

/// How notifications are sent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct NotificationSettings {
    /// Whether notifications are gathered and sent in the background; on by default. When off, each
    /// is published before its call returns.
    pub enable_background_processing: bool,
    /// How many are sent at once: 1 to 10 000, 100 by default.
    pub batch_size: usize,
    /// The longest that a gathered notification waits: 1 to 3600 s, 5 s by default.
    #[serde(deserialize_with = "seconds")]
    pub flush_interval: Duration,
    /// How often a failed publish is tried again: 0 to 100, 3 by default. With the journal on, what
    /// the backplane may take later is tried until it does.
    pub retry_attempts: u32,
    /// The wait before the first of those, growing with each: 1 to 600 000 ms, 1000 ms by default.
    #[serde(deserialize_with = "milliseconds")]
    pub retry_delay: Duration,
    /// For how long an `Idempotency-Key` is remembered: 1 s to 30 days, 3600 s by default. Without the
    /// journal this ends with the process, and at most 100 000 keys are; with it, a million.
    #[serde(deserialize_with = "seconds")]
    pub idempotency_window: Duration,
    /// Where what was accepted is kept until it is published.
    pub journal: JournalSettings,
}

/// Where what was accepted is kept until it is published.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct JournalSettings {
    /// Whether it is kept on disk, so that accepted means on disk; off by default. Needs
    /// `EnableBackgroundProcessing`.
    pub enabled: bool,
    /// The file, which belongs to one node: `mesahub-journal.db` in the working folder by default.
    /// On a local disk.
    pub path: PathBuf,
    /// How many notifications may wait in it, before new ones are refused: 1 to 100 000 000, 100 000
    /// by default.
    pub max_count: u64,
    /// How many bytes they may have: 1 MiB to 1 TiB, 256 MiB by default. The file is somewhat larger.
    pub max_bytes: u64,
    /// When it is forced to the disk; `Grouped` by default.
    pub sync: JournalSync,
}

impl Default for RealTimeSettings {
    fn default() -> Self {
        Self {
            provider: Provider::Memory,
            connection_string: Secret::default(),
            provider_specific: ProviderSettings::default(),
            redis: RedisSettings::default(),
            signal_r: SignalRSettings::default(),
            notifications: NotificationSettings::default(),
        }
    }
}

impl Default for RedisSettings {
    fn default() -> Self {
        Self {
            wire: Wire::Mesahub,
            channel_prefix: "mesamagica".to_owned(),
            hub_type_name: String::new(),
            deployment: RedisDeployment::Auto,
            service_name: String::new(),
            authorities_file: String::new(),
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(5),
            min_backoff: Duration::from_millis(50),
            max_backoff: Duration::from_secs(1),
        }
    }
}

impl Default for SignalRSettings {
    fn default() -> Self {
        Self {
            enable_detailed_errors: false,
            keep_alive_interval: Duration::from_secs(15),
            client_timeout_interval: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(15),
            max_buffer_size: 32_768,
            transport_max_buffer_size: 32_768,
            stream_buffer_capacity: 10,
            enable_message_pack_protocol: true,
        }
    }
}

impl Default for NotificationSettings {
    fn default() -> Self {
        Self {
            enable_background_processing: true,
            batch_size: 100,
            flush_interval: Duration::from_secs(5),
            retry_attempts: 3,
            retry_delay: Duration::from_secs(1),
            idempotency_window: Duration::from_secs(3_600),
            journal: JournalSettings::default(),
        }
    }
}

impl Default for JournalSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            path: "mesahub-journal.db".into(),
            max_count: 100_000,
            max_bytes: 256 * 1024 * 1024,
            sync: JournalSync::Grouped,
        }
    }
}
