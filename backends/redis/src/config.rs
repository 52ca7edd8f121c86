//! Where Redis is, and how to use it.

use std::{fmt, time::Duration};

use mesahub_broker::LogBounds;

/// Where Redis is, and how to use it.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// The servers.
    pub deployment: Deployment,
    /// How to be let in.
    pub login: Login,
    /// TLS, if the servers speak it.
    pub tls: Option<Tls>,
    /// The number of the database. Publishing does not depend on it, logs do. A cluster has one.
    pub database: u32,
    /// What the names of all channels and keys begin with. No braces in a cluster, where they mean
    /// something.
    pub prefix: String,
    /// What is on the channels.
    pub framing: Framing,
    /// The bounds of every topic's log.
    pub log: LogBounds,
    /// How long connecting may take, with TLS and login.
    pub connect_timeout: Duration,
    /// How long Redis may take for an answer. It is asked every such time when it is silent, so
    /// one that hangs is noticed after twice as long.
    pub response_timeout: Duration,
    /// The first pause before a connection is tried again; later ones double, with chance added.
    pub min_backoff: Duration,
    /// The longest such pause.
    pub max_backoff: Duration,
}

/// Which servers there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deployment {
    /// One server, or one address behind which another takes over.
    Single(Address),
    /// A primary with replicas, which these Sentinels watch.
    Sentinel {
        /// The Sentinels, asked in turn.
        addresses: Vec<Address>,
        /// The name under which they watch the primary.
        service: String,
    },
    /// A cluster of Redis 7 or later. On [`Framing::Plain`] it may be older. Its nodes must be
    /// reachable under the names they tell each other, and with TLS have them in their
    /// certificates (`cluster-announce-hostname`, `cluster-preferred-endpoint-type hostname`).
    Cluster {
        /// Some of its nodes, asked in turn for the others.
        addresses: Vec<Address>,
    },
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// A host name or an IP address, an IPv6 address without its brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// How to be let in. `Debug` does not show the password.
#[derive(Clone, Default)]
pub struct Login {
    /// The user of the access list; the default one when there is none.
    pub user: Option<String>,
    /// The password.
    pub password: Option<String>,
}

/// Whom to trust.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// Certificates of authorities in PEM, in place of those the machine trusts.
    pub authorities: Option<String>,
}

/// What is on the channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// A byte or a position in front of each payload, so that deliveries tell their place in the
    /// log.
    Positioned,
    /// Payloads as they are, on channels named as their topics are behind the prefix: what other
    /// software, such as ASP.NET Core's own backplane, understands. There is no log.
    Plain,
}

impl RedisConfig {
    /// One server, without login and TLS, with the defaults for everything else.
    #[must_use]
    pub fn new(deployment: Deployment) -> Self {
        Self {
            deployment,
            login: Login::default(),
            tls: None,
            database: 0,
            prefix: String::new(),
            framing: Framing::Positioned,
            log: LogBounds::default(),
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(5),
            min_backoff: Duration::from_millis(50),
            max_backoff: Duration::from_secs(1),
        }
    }
}

impl Address {
    /// A host and a port.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        let host = host.into();
        Self { host, port }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(out, "[{}]:{}", self.host, self.port),
            false => write!(out, "{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Login")
            .field("user", &self.user)
            .field("password", &self.password.as_ref().map(|_| "***"))
            .finish()
    }
}
