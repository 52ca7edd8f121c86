//! `RealTimeConfiguration:ProviderSpecific`: one address for each kind of backplane.

use std::time::Duration;

use serde::Deserialize;

use super::{parse::seconds, secret::Secret};

/// The addresses. Only that of the chosen provider is used, and only while `ConnectionString` is
/// empty. Ports are 1 to 65535.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct ProviderSettings {
    /// Azure Cache for Redis.
    pub azure: AzureSettings,
    /// Amazon ElastiCache.
    #[serde(rename = "AWS")]
    pub aws: AwsSettings,
    /// Google Cloud Memorystore.
    #[serde(rename = "GCP")]
    pub gcp: GcpSettings,
    /// Upstash.
    pub upstash: UpstashSettings,
    /// A Redis of one's own.
    pub local: LocalSettings,
    /// NATS.
    pub nats: NatsSettings,
    /// AMQP 0-9-1.
    pub amqp: AmqpSettings,
}

/// Azure Cache for Redis, at `{ServiceName}.redis.cache.windows.net`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct AzureSettings {
    /// The name of the cache; its full host name is taken too.
    pub service_name: String,
    /// One of its two access keys.
    pub access_key: Secret,
    /// 6380 by default, which is Azure's port for TLS.
    pub port: u16,
    /// Whether to use TLS; on by default.
    pub ssl: bool,
}

/// Amazon ElastiCache, at `{CacheClusterId}.cache.amazonaws.com`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct AwsSettings {
    /// The part of the endpoint before `.cache.amazonaws.com`; the full endpoint is taken too.
    pub cache_cluster_id: String,
    /// The region, `us-east-1` by default. It is not part of the address.
    pub region: String,
    /// 6379 by default.
    pub port: u16,
    /// Whether to use TLS; on by default.
    pub ssl: bool,
}

/// Google Cloud Memorystore, at `{InstanceId}.redis.{Region}.gcp.cloud`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct GcpSettings {
    /// The name of the instance.
    pub instance_id: String,
    /// The region, `us-central1` by default.
    pub region: String,
    /// 6379 by default.
    pub port: u16,
    /// Whether to use TLS; off by default.
    pub ssl: bool,
}

/// Upstash.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct UpstashSettings {
    /// The URL of the REST interface; its host serves Redis too, and is used while `RedisUrl` is
    /// empty.
    pub rest_url: String,
    /// The password, unless `RedisUrl` holds one.
    pub rest_token: Secret,
    /// A `rediss://` URL, or a host with or without a port. Without a scheme, and at any
    /// `upstash.io` host, TLS is used.
    pub redis_url: Secret,
}

/// A Redis of one's own, without a password; one with a password goes into `ConnectionString`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct LocalSettings {
    /// `localhost` by default.
    pub host: String,
    /// 6379 by default.
    pub port: u16,
    /// Whether to use TLS; off by default.
    pub ssl: bool,
}

/// NATS. What a connection string says of the address and the login wins over what stands here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct NatsSettings {
    /// The servers of a cluster, `host` or `host:port`, tried in this order; empty by default. When
    /// there are any, `Host` and `Port` are not used.
    pub addresses: Vec<String>,
    /// `localhost` by default.
    pub host: String,
    /// 4222 by default.
    pub port: u16,
    /// Whether to use TLS; off by default.
    pub ssl: bool,
    /// A file with the certificates of authorities in PEM, trusted in place of the machine's; empty
    /// for the machine's. Only with TLS.
    pub certificate_authority: String,
    /// The user name, or empty. At most one of `User`, `Token`, `NkeySeed` and `CredentialsFile` may
    /// be set.
    pub user: String,
    /// The password of the user.
    pub password: Secret,
    /// A token.
    pub token: Secret,
    /// The seed of an nkey, `SU…`.
    pub nkey_seed: Secret,
    /// A file with a token and a seed, as `nsc` writes it. It is read at each connection.
    pub credentials_file: String,
    /// What all subjects, and the stream of the logs, begin with: 1 to 32 letters, digits, `-` or
    /// `_`; `mesahub` by default. Nodes of one hub share it, other hubs have another.
    pub subject_prefix: String,
    /// Whether logs are kept, which needs JetStream; on by default.
    pub jet_stream: bool,
    /// How many servers of the cluster keep a copy of the logs: 1 to 5, 1 by default.
    pub replicas: usize,
    /// Bytes on disk for the logs of all topics together, over which the oldest entries are
    /// dropped: 1 MiB to 1 TiB, 1 GiB by default.
    pub log_storage: u64,
}

/// An AMQP 0-9-1 server, such as RabbitMQ.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub struct AmqpSettings {
    /// `localhost` by default. Several with commas between are servers of one cluster, each with a
    /// port of its own where it has one.
    pub host: String,
    /// 5672 by default.
    pub port: u16,
    /// Whether to use TLS; off by default.
    pub ssl: bool,
    /// The user name, or empty for the server's own default.
    pub user: String,
    /// The password of the user.
    pub password: Secret,
    /// `/` by default.
    pub virtual_host: String,
    /// What the names of the exchange and of all queues begin with: 1 to 100 bytes, `mesahub` by
    /// default. It holds beside a `ConnectionString` too, as the two below do.
    pub prefix: String,
    /// A file with certificates of authorities in PEM, beside those the machine trusts.
    pub authorities_file: String,
    /// How often each side shows that it is alive: 1 to 600 s, 10 s by default. A server that
    /// hangs is noticed after twice as long.
    #[serde(deserialize_with = "seconds")]
    pub heartbeat: Duration,
}

impl Default for AzureSettings {
    fn default() -> Self {
        Self {
            service_name: String::new(),
            access_key: Secret::default(),
            port: 6380,
            ssl: true,
        }
    }
}

impl Default for AwsSettings {
    fn default() -> Self {
        Self {
            cache_cluster_id: String::new(),
            region: "us-east-1".to_owned(),
            port: 6379,
            ssl: true,
        }
    }
}

impl Default for GcpSettings {
    fn default() -> Self {
        Self {
            instance_id: String::new(),
            region: "us-central1".to_owned(),
            port: 6379,
            ssl: false,
        }
    }
}

impl Default for LocalSettings {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: 6379,
            ssl: false,
        }
    }
}

impl Default for NatsSettings {
    fn default() -> Self {
        Self {
            addresses: Vec::new(),
            host: "localhost".to_owned(),
            port: 4222,
            ssl: false,
            certificate_authority: String::new(),
            user: String::new(),
            password: Secret::default(),
            token: Secret::default(),
            nkey_seed: Secret::default(),
            credentials_file: String::new(),
            subject_prefix: "mesahub".to_owned(),
            jet_stream: true,
            replicas: 1,
            log_storage: 1024 * 1024 * 1024,
        }
    }
}

impl Default for AmqpSettings {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: 5672,
            ssl: false,
            user: String::new(),
            password: Secret::default(),
            virtual_host: "/".to_owned(),
            prefix: "mesahub".to_owned(),
            authorities_file: String::new(),
            heartbeat: Duration::from_secs(10),
        }
    }
}
