//! Every key there is.
//!
//! A new key needs a line here, a field in its settings struct and a default in
//! `config/appsettings.json`; tests fail while one of the three is missing.

use super::{
    choice::{
        CallAccount, ForwardedHeader, JournalSync, LogFormat, LogLevel, Provider, RateAlgorithm,
        RedisDeployment, SessionStoreKind, Transport, Wire,
    },
    key::{
        Key,
        Kind::{self, Flag, Secret, Text},
    },
};
use crate::auth::SigningAlgorithm;

const DAY: u64 = 24 * 60 * 60;
const MIB: u64 = 1024 * 1024;
const CONNECTIONS: Kind = number(0, 100_000_000, "connections");
const PORT: Kind = number(1, 65_535, "");
const REDIS_TIME: Kind = number(1, 600_000, "milliseconds");

/// Every key, the keys of a section next to each other.
pub(super) static KEYS: &[Key] = &[
    key(
        "RealTimeConfiguration:Provider",
        Kind::Choice(Provider::NAMES),
    ),
    key("RealTimeConfiguration:ConnectionString", Secret),
    key(
        "RealTimeConfiguration:ProviderSpecific:Azure:ServiceName",
        Text,
    ),
    key(
        "RealTimeConfiguration:ProviderSpecific:Azure:AccessKey",
        Secret,
    ),
    key("RealTimeConfiguration:ProviderSpecific:Azure:Port", PORT),
    key("RealTimeConfiguration:ProviderSpecific:Azure:Ssl", Flag),
    key(
        "RealTimeConfiguration:ProviderSpecific:AWS:CacheClusterId",
        Text,
    ),
    key("RealTimeConfiguration:ProviderSpecific:AWS:Region", Text),
    key("RealTimeConfiguration:ProviderSpecific:AWS:Port", PORT),
    key("RealTimeConfiguration:ProviderSpecific:AWS:Ssl", Flag),
    key(
        "RealTimeConfiguration:ProviderSpecific:GCP:InstanceId",
        Text,
    ),
    key("RealTimeConfiguration:ProviderSpecific:GCP:Region", Text),
    key("RealTimeConfiguration:ProviderSpecific:GCP:Port", PORT),
    key("RealTimeConfiguration:ProviderSpecific:GCP:Ssl", Flag),
    key(
        "RealTimeConfiguration:ProviderSpecific:Upstash:RestUrl",
        Text,
    ),
    key(
        "RealTimeConfiguration:ProviderSpecific:Upstash:RestToken",
        Secret,
    ),
    key(
        "RealTimeConfiguration:ProviderSpecific:Upstash:RedisUrl",
        Secret,
    ),
    key("RealTimeConfiguration:ProviderSpecific:Local:Host", Text),
    key("RealTimeConfiguration:ProviderSpecific:Local:Port", PORT),
    key("RealTimeConfiguration:ProviderSpecific:Local:Ssl", Flag),
    key(
        "RealTimeConfiguration:ProviderSpecific:Nats:Addresses",
        Kind::List(None),
    ),
    key("RealTimeConfiguration:ProviderSpecific:Nats:Host", Text),
    key("RealTimeConfiguration:ProviderSpecific:Nats:Port", PORT),
    key("RealTimeConfiguration:ProviderSpecific:Nats:Ssl", Flag),
    key(
        "RealTimeConfiguration:ProviderSpecific:Nats:CertificateAuthority",
        Text,
    ),
    key("RealTimeConfiguration:ProviderSpecific:Nats:User", Text),
    key(
        "RealTimeConfiguration:ProviderSpecific:Nats:Password",
        Secret,
    ),
    key("RealTimeConfiguration:ProviderSpecific:Nats:Token", Secret),
    key(
        "RealTimeConfiguration:ProviderSpecific:Nats:NkeySeed",
        Secret,
    ),
    key(
        "RealTimeConfiguration:ProviderSpecific:Nats:CredentialsFile",
        Text,
    ),
    key(
        "RealTimeConfiguration:ProviderSpecific:Nats:SubjectPrefix",
        Text,
    ),
    key(
        "RealTimeConfiguration:ProviderSpecific:Nats:JetStream",
        Flag,
    ),
    key(
        "RealTimeConfiguration:ProviderSpecific:Nats:Replicas",
        number(1, 5, "copies"),
    ),
    key(
        "RealTimeConfiguration:ProviderSpecific:Nats:LogStorage",
        number(MIB, 1024 * 1024 * MIB, "bytes"),
    ),
    key("RealTimeConfiguration:ProviderSpecific:Amqp:Host", Text),
    key("RealTimeConfiguration:ProviderSpecific:Amqp:Port", PORT),
    key("RealTimeConfiguration:ProviderSpecific:Amqp:Ssl", Flag),
    key("RealTimeConfiguration:ProviderSpecific:Amqp:User", Text),
    key(
        "RealTimeConfiguration:ProviderSpecific:Amqp:Password",
        Secret,
    ),
    key(
        "RealTimeConfiguration:ProviderSpecific:Amqp:VirtualHost",
        Text,
    ),
    key("RealTimeConfiguration:ProviderSpecific:Amqp:Prefix", Text),
    key(
        "RealTimeConfiguration:ProviderSpecific:Amqp:AuthoritiesFile",
        Text,
    ),
    key(
        "RealTimeConfiguration:ProviderSpecific:Amqp:Heartbeat",
        number(1, 600, "seconds"),
    ),
    key(
        "RealTimeConfiguration:Redis:Wire",
        Kind::Choice(Wire::NAMES),
    ),
    key("RealTimeConfiguration:Redis:ChannelPrefix", Text),
    key("RealTimeConfiguration:Redis:HubTypeName", Text),
    key(
        "RealTimeConfiguration:Redis:Deployment",
        Kind::Choice(RedisDeployment::NAMES),
    ),
    key("RealTimeConfiguration:Redis:ServiceName", Text),
    key("RealTimeConfiguration:Redis:AuthoritiesFile", Text),
    key("RealTimeConfiguration:Redis:ConnectTimeout", REDIS_TIME),
    key("RealTimeConfiguration:Redis:ResponseTimeout", REDIS_TIME),
    key("RealTimeConfiguration:Redis:MinBackoff", REDIS_TIME),
    key("RealTimeConfiguration:Redis:MaxBackoff", REDIS_TIME),
    key("RealTimeConfiguration:SignalR:EnableDetailedErrors", Flag),
    key(
        "RealTimeConfiguration:SignalR:KeepAliveInterval",
        number(1, 3600, "seconds"),
    ),
    key(
        "RealTimeConfiguration:SignalR:ClientTimeoutInterval",
        number(2, 7200, "seconds"),
    ),
    key(
        "RealTimeConfiguration:SignalR:HandshakeTimeout",
        number(1, 300, "seconds"),
    ),
    key(
        "RealTimeConfiguration:SignalR:MaxBufferSize",
        number(256, 16 * MIB, "bytes"),
    ),
    key(
        "RealTimeConfiguration:SignalR:TransportMaxBufferSize",
        number(256, 1024 * MIB, "bytes"),
    ),
    key(
        "RealTimeConfiguration:SignalR:StreamBufferCapacity",
        number(1, 10_000, "items"),
    ),
    key(
        "RealTimeConfiguration:SignalR:EnableMessagePackProtocol",
        Flag,
    ),
    key(
        "RealTimeConfiguration:Notifications:EnableBackgroundProcessing",
        Flag,
    ),
    key(
        "RealTimeConfiguration:Notifications:BatchSize",
        number(1, 10_000, "notifications"),
    ),
    key(
        "RealTimeConfiguration:Notifications:FlushInterval",
        number(1, 3600, "seconds"),
    ),
    key(
        "RealTimeConfiguration:Notifications:RetryAttempts",
        number(0, 100, "attempts"),
    ),
    key(
        "RealTimeConfiguration:Notifications:RetryDelay",
        number(1, 600_000, "milliseconds"),
    ),
    key(
        "RealTimeConfiguration:Notifications:IdempotencyWindow",
        number(1, 30 * DAY, "seconds"),
    ),
    key("RealTimeConfiguration:Notifications:Journal:Enabled", Flag),
    key("RealTimeConfiguration:Notifications:Journal:Path", Text),
    key(
        "RealTimeConfiguration:Notifications:Journal:MaxCount",
        number(1, 100_000_000, "notifications"),
    ),
    key(
        "RealTimeConfiguration:Notifications:Journal:MaxBytes",
        number(MIB, 1024 * 1024 * MIB, "bytes"),
    ),
    key(
        "RealTimeConfiguration:Notifications:Journal:Sync",
        Kind::Choice(JournalSync::NAMES),
    ),
    key("Mesahub:Server:Address", Text),
    key("Mesahub:Server:ShutdownTimeout", number(1, 3600, "seconds")),
    key("Mesahub:Server:Drain:Notice", number(0, 300, "seconds")),
    key("Mesahub:Server:Drain:Share", number(1, 100, "percent")),
    key(
        "Mesahub:Server:Drain:Interval",
        number(0, 60_000, "milliseconds"),
    ),
    key("Mesahub:Server:TrustedProxies", Kind::List(None)),
    key(
        "Mesahub:Server:ForwardedHeader",
        Kind::Choice(ForwardedHeader::NAMES),
    ),
    key("Mesahub:Server:HeaderTimeout", number(1, 300, "seconds")),
    key("Mesahub:Server:BodyTimeout", number(1, 3600, "seconds")),
    key("Mesahub:Server:IdleTimeout", number(1, 3600, "seconds")),
    key("Mesahub:Server:MaxHeaderBytes", number(8192, MIB, "bytes")),
    key(
        "Mesahub:Server:MaxTargetBytes",
        number(1024, 65_534, "bytes"),
    ),
    key(
        "Mesahub:Server:MaxConcurrentStreams",
        number(1, 10_000, "requests"),
    ),
    key("Mesahub:Authentication:SigningKey", Secret),
    key(
        "Mesahub:Authentication:Algorithms",
        Kind::List(Some(SigningAlgorithm::NAMES)),
    ),
    key("Mesahub:Authentication:PublicKeyFiles", Kind::List(None)),
    key("Mesahub:Authentication:Jwks:File", Text),
    key("Mesahub:Authentication:Jwks:Url", Text),
    key(
        "Mesahub:Authentication:Jwks:RefreshInterval",
        number(1, DAY, "seconds"),
    ),
    key(
        "Mesahub:Authentication:Jwks:RefetchInterval",
        number(1, 3600, "seconds"),
    ),
    key(
        "Mesahub:Authentication:Jwks:StaleFor",
        number(1, 30 * DAY, "seconds"),
    ),
    key(
        "Mesahub:Authentication:Jwks:Timeout",
        number(1, 60, "seconds"),
    ),
    key("Mesahub:Authentication:Issuer", Kind::List(None)),
    key("Mesahub:Authentication:Audience", Kind::List(None)),
    key(
        "Mesahub:Authentication:ClockSkew",
        number(0, 3600, "seconds"),
    ),
    key("Mesahub:Authentication:Claims:TenantKey", Text),
    key("Mesahub:Authentication:Claims:UserId", Text),
    key("Mesahub:Authentication:Claims:Role", Text),
    key("Mesahub:Authentication:Claims:SessionId", Text),
    key("Mesahub:Cors:AllowedOrigins", Kind::List(None)),
    key("Mesahub:Hub:Path", Text),
    key("Mesahub:Hub:Transports", Kind::List(Some(Transport::NAMES))),
    key(
        "Mesahub:Hub:TransportSendTimeout",
        number(1, 600, "seconds"),
    ),
    key("Mesahub:Hub:DisconnectTimeout", number(1, 600, "seconds")),
    key(
        "Mesahub:Hub:ApplicationMaxBufferSize",
        number(256, 1024 * MIB, "bytes"),
    ),
    key(
        "Mesahub:Hub:WebSockets:CloseTimeout",
        number(1, 300, "seconds"),
    ),
    key(
        "Mesahub:Hub:LongPolling:PollTimeout",
        number(1, 95, "seconds"),
    ),
    key("Mesahub:Hub:OutboxBytes", number(1024, 1024 * MIB, "bytes")),
    key(
        "Mesahub:Hub:MaximumParallelInvocations",
        number(1, 1000, "invocations"),
    ),
    key(
        "Mesahub:Hub:InvocationBacklog",
        number(0, 10_000, "invocations"),
    ),
    key("Mesahub:Hub:AllowStatefulReconnects", Flag),
    key(
        "Mesahub:Hub:StatefulReconnectBufferSize",
        number(1024, 1024 * MIB, "bytes"),
    ),
    key("Mesahub:Cluster:Lease", number(2, 3600, "seconds")),
    key(
        "Mesahub:Log:MaxCount",
        number(1, 1_000_000, "notifications"),
    ),
    key("Mesahub:Log:MaxBytes", number(1024, 1024 * MIB, "bytes")),
    key("Mesahub:Log:MaxAge", number(1, 30 * DAY, "seconds")),
    key("Mesahub:Limits:Connections:PerAddress", CONNECTIONS),
    key("Mesahub:Limits:Connections:PerUser", CONNECTIONS),
    key("Mesahub:Limits:Connections:PerTenant", CONNECTIONS),
    key("Mesahub:Limits:Connections:Total", CONNECTIONS),
    key(
        "Mesahub:Limits:Calls:Algorithm",
        Kind::Choice(RateAlgorithm::NAMES),
    ),
    key("Mesahub:Limits:Calls:Per", Kind::Choice(CallAccount::NAMES)),
    key(
        "Mesahub:Limits:Calls:PermitLimit",
        number(0, 1_000_000, "calls"),
    ),
    key("Mesahub:Limits:Calls:Window", number(1, DAY, "seconds")),
    key(
        "Mesahub:Limits:Calls:QueueLimit",
        number(0, 10_000, "calls"),
    ),
    key(
        "Mesahub:Limits:Publishes:PerSecond",
        number(0, 1_000_000, "notifications"),
    ),
    key(
        "Mesahub:Limits:Publishes:Burst",
        number(1, 10_000_000, "notifications"),
    ),
    key(
        "Mesahub:Limits:Failures:PerAddress",
        number(0, 1_000_000, "failures"),
    ),
    key("Mesahub:Limits:Failures:Window", number(1, DAY, "seconds")),
    key(
        "Mesahub:Limits:Admission:MemoryBytes",
        number(0, 1024 * 1024 * 1024 * MIB, "bytes"),
    ),
    key(
        "Mesahub:Limits:Admission:Handshakes",
        number(0, 10_000_000, "connections"),
    ),
    key(
        "Mesahub:Sessions:Store",
        Kind::Choice(SessionStoreKind::NAMES),
    ),
    key("Mesahub:Sessions:Path", Text),
    key(
        "Mesahub:Sessions:InactiveTimeout",
        number(60, 30 * DAY, "seconds"),
    ),
    key(
        "Mesahub:Sessions:ServedOrderTimeout",
        number(60, 30 * DAY, "seconds"),
    ),
    key(
        "Mesahub:Sessions:WarningMinutes",
        Kind::Numbers {
            least: 1,
            most: 1_440,
            unit: "minutes",
        },
    ),
    key(
        "Mesahub:Sessions:SweepInterval",
        number(1, 3_600, "seconds"),
    ),
    key("Mesahub:Log:CheckInterval", number(1, 3600, "seconds")),
    key("Mesahub:Logging:Format", Kind::Choice(LogFormat::NAMES)),
    key("Mesahub:Logging:Level", Kind::Choice(LogLevel::NAMES)),
    key("Mesahub:Metrics:Enabled", Flag),
    key("Mesahub:Metrics:Path", Text),
    key("Mesahub:Metrics:Address", Text),
];

/// Sections of an ASP.NET Core application that may stand beside ours. They are not read.
pub(super) const FOREIGN: &[&str] = &[
    "$schema",
    "AllowedHosts",
    "ApplicationInsights",
    "Authentication",
    "AzureAd",
    "ConnectionStrings",
    "DetailedErrors",
    "FeatureManagement",
    "HealthChecksUI",
    "Identity",
    "Jwt",
    "JwtSettings",
    "Kestrel",
    "Logging",
    "NLog",
    "OpenTelemetry",
    "ReverseProxy",
    "Serilog",
    "Urls",
];

const fn key(path: &'static str, kind: Kind) -> Key {
    Key { path, kind }
}

const fn number(least: u64, most: u64, unit: &'static str) -> Kind {
    Kind::Number { least, most, unit }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::{KEYS, Kind};
    use crate::config::{ConfigError, Settings, Sources, load, load::DEFAULTS};

    fn leaves(path: &str, value: &Value, found: &mut BTreeSet<String>) {
        let Value::Object(section) = value else {
            found.insert(path.trim_start_matches(':').to_owned());
            return;
        };
        for (name, value) in section {
            leaves(&format!("{path}:{name}"), value, found);
        }
    }

    fn development(overrides: &[(&str, String)]) -> Sources {
        let own = |(key, value): &(&str, String)| ((*key).to_owned(), value.clone());
        Sources {
            environment_name: Some("Development".to_owned()),
            overrides: overrides.iter().map(own).collect(),
            ..Sources::default()
        }
    }

    #[test]
    fn the_defaults_file_holds_every_key_and_no_other() {
        let mut found = BTreeSet::new();
        leaves("", &serde_json::from_str(DEFAULTS).unwrap(), &mut found);

        let keys: BTreeSet<_> = KEYS.iter().map(|key| key.path.to_owned()).collect();

        assert_eq!(found, keys);
    }

    #[test]
    fn the_defaults_file_equals_the_defaults_in_code() {
        let loaded = load(&development(&[])).unwrap();

        assert_eq!(loaded.settings, Settings::default());
    }

    #[test]
    fn every_bound_and_every_choice_fits_its_setting() {
        for key in KEYS {
            let values = match key.kind {
                Kind::Number { least, most, .. } => vec![least.to_string(), most.to_string()],
                Kind::Choice(names) | Kind::List(Some(names)) => {
                    names.iter().map(|name| (*name).to_owned()).collect()
                }
                _ => continue,
            };
            for value in values {
                let Err(error) = load(&development(&[(key.path, value.clone())])) else {
                    continue;
                };
                for problem in error.problems() {
                    let is_pair = matches!(problem, ConfigError::Impossible { .. });
                    assert!(is_pair, "{} = {value}: {problem}", key.path);
                }
            }
        }
    }
}
