//! The address of the backplane, worked out.

use std::{fmt, path::PathBuf, time::Duration};

use super::{
    choice::Wire,
    secret::Secret,
    url::{encode, write},
};

/// What joins the nodes, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backplane {
    /// Nothing: one node.
    Memory,
    /// Redis, whoever provides it.
    Redis(RedisBackplane),
    /// NATS.
    Nats(NatsBackplane),
    /// AMQP 0-9-1.
    Amqp(AmqpBackplane),
}

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A host name or an IP address, an IPv6 address without its brackets.
    pub host: String,
    /// The port, not zero.
    pub port: u16,
}

/// Where Redis is and how to use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisBackplane {
    /// Which servers there are.
    pub servers: RedisServers,
    /// At least one; one where there is a single server.
    pub addresses: Vec<Address>,
    /// Whether to use TLS.
    pub tls: bool,
    /// The user of the access list, if not the default one.
    pub user: Option<String>,
    /// The password, if there is one.
    pub password: Option<Secret>,
    /// The number of the database; publishing does not depend on it, logs do.
    pub database: u32,
    /// What every channel name begins with.
    pub channel_prefix: String,
    /// Whose names and envelopes to use.
    pub wire: Wire,
    /// The .NET type name of the hub; set whenever `wire` is `AspNetCore`.
    pub hub_type_name: Option<String>,
    /// A file with certificates of authorities in PEM, in place of those the machine trusts; none
    /// without TLS.
    pub authorities_file: Option<PathBuf>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long an answer may take.
    pub response_timeout: Duration,
    /// The first pause before a lost connection is tried again.
    pub min_backoff: Duration,
    /// The longest such pause.
    pub max_backoff: Duration,
}

/// Whose addresses they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedisServers {
    /// That of the one server.
    Single,
    /// Those of Sentinels.
    Sentinel {
        /// The name under which they watch the primary.
        service: String,
    },
    /// Those of some nodes of a cluster.
    Cluster,
}

/// Where NATS is and how to use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatsBackplane {
    /// At least one; several are servers of one cluster, tried in this order.
    pub addresses: Vec<Address>,
    /// Whether to use TLS.
    pub tls: bool,
    /// A file with the authorities to trust, in place of the machine's; only with TLS.
    pub certificate_authority: Option<String>,
    /// The user, if there is one. At most one of user, token, seed and file is set.
    pub user: Option<String>,
    /// The password of the user.
    pub password: Option<Secret>,
    /// A token.
    pub token: Option<Secret>,
    /// The seed of an nkey.
    pub nkey_seed: Option<Secret>,
    /// A credentials file.
    pub credentials_file: Option<String>,
    /// What every subject begins with: 1 to 32 letters, digits, `-` or `_`.
    pub subject_prefix: String,
    /// Whether logs are kept, which needs JetStream.
    pub jet_stream: bool,
    /// How many servers keep a copy of the logs.
    pub replicas: usize,
    /// Bytes for the logs of all topics together.
    pub log_storage: u64,
}

/// Where the AMQP server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmqpBackplane {
    /// At least one; several are nodes of one cluster.
    pub addresses: Vec<Address>,
    /// Whether to use TLS.
    pub tls: bool,
    /// The user, if there is one.
    pub user: Option<String>,
    /// The password of the user.
    pub password: Option<Secret>,
    /// The virtual host, `/` by default.
    pub virtual_host: String,
    /// What the names of the exchange and of all queues begin with, 1 to 100 bytes.
    pub prefix: String,
    /// A file with certificates of authorities in PEM, beside those the machine trusts; none
    /// without TLS.
    pub authorities_file: Option<PathBuf>,
    /// How often each side shows that it is alive, in whole seconds.
    pub heartbeat: Duration,
}

impl Backplane {
    /// The Cargo feature that holds the backend: `memory`, `redis`, `nats` or `amqp`.
    #[must_use]
    pub fn feature(&self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Redis(_) => "redis",
            Self::Nats(_) => "nats",
            Self::Amqp(_) => "amqp",
        }
    }

    /// What it is, in a word or two.
    fn kind(&self) -> &'static str {
        match self {
            Self::Redis(redis) => redis.servers.kind(),
            other => other.feature(),
        }
    }

    /// The servers; none for memory.
    #[must_use]
    pub fn addresses(&self) -> &[Address] {
        match self {
            Self::Memory => &[],
            Self::Redis(redis) => &redis.addresses,
            Self::Nats(nats) => &nats.addresses,
            Self::Amqp(amqp) => &amqp.addresses,
        }
    }
}

impl RedisServers {
    fn kind(&self) -> &'static str {
        match self {
            Self::Single => "redis",
            Self::Sentinel { .. } => "redis sentinel",
            Self::Cluster => "redis cluster",
        }
    }
}

impl RedisBackplane {
    /// One `redis://` or `rediss://` URL for each address.
    #[must_use]
    pub fn urls(&self) -> Vec<Secret> {
        let scheme = if self.tls { "rediss" } else { "redis" };
        let path = format!("/{}", self.database);
        let (user, password) = (self.user.as_deref(), self.password.as_ref());
        let url = |address| write(scheme, user, password, address, &path);
        self.addresses.iter().map(url).collect()
    }
}

impl NatsBackplane {
    /// One `nats://` or `tls://` URL for each address.
    #[must_use]
    pub fn urls(&self) -> Vec<Secret> {
        let scheme = if self.tls { "tls" } else { "nats" };
        let user = self.token.as_ref().map(Secret::reveal);
        let user = user.or(self.user.as_deref());
        let password = self.password.as_ref().filter(|_| self.token.is_none());
        let url = |address| write(scheme, user, password, address, "");
        self.addresses.iter().map(url).collect()
    }
}

impl AmqpBackplane {
    /// One `amqp://` or `amqps://` URL for each address.
    #[must_use]
    pub fn urls(&self) -> Vec<Secret> {
        let scheme = if self.tls { "amqps" } else { "amqp" };
        let path = format!("/{}", encode(&self.virtual_host));
        let (user, password) = (self.user.as_deref(), self.password.as_ref());
        let url = |address| write(scheme, user, password, address, &path);
        self.addresses.iter().map(url).collect()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(out, "[{}]:{}", self.host, self.port)
        } else {
            write!(out, "{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Backplane {
    /// The kind, the servers and whether TLS is used; nothing else.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tls = match self {
            Self::Memory => return out.write_str("memory"),
            Self::Redis(redis) => redis.tls,
            Self::Nats(nats) => nats.tls,
            Self::Amqp(amqp) => amqp.tls,
        };
        for (index, address) in self.addresses().iter().enumerate() {
            let before = if index == 0 { self.kind() } else { "," };
            write!(out, "{before} {address}")?;
        }
        out.write_str(if tls { " with TLS" } else { " without TLS" })
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, AmqpBackplane, Backplane, Duration, NatsBackplane};
    use crate::config::Secret;

    fn address() -> Vec<Address> {
        vec![Address {
            host: "h".to_owned(),
            port: 1,
        }]
    }

    #[test]
    fn urls_encode_what_would_break_them() {
        let amqp = AmqpBackplane {
            addresses: address(),
            tls: true,
            user: Some("u".to_owned()),
            password: Some(Secret::new("p/@")),
            virtual_host: "/".to_owned(),
            prefix: "mesahub".to_owned(),
            authorities_file: None,
            heartbeat: Duration::from_secs(10),
        };

        assert_eq!(amqp.urls()[0].reveal(), "amqps://u:p%2F%40@h:1/%2F");
    }

    #[test]
    fn neither_debug_nor_display_shows_a_password() {
        let backplane = Backplane::Nats(NatsBackplane {
            addresses: address(),
            tls: false,
            certificate_authority: None,
            user: None,
            password: None,
            token: Some(Secret::new("hunter2")),
            nkey_seed: Some(Secret::new("hunter2")),
            credentials_file: None,
            subject_prefix: "mesahub".to_owned(),
            jet_stream: true,
            replicas: 1,
            log_storage: 1,
        });

        assert_eq!(backplane.to_string(), "nats h:1 without TLS");
        assert!(!format!("{backplane:?}").contains("hunter2"));
    }
}
