//! Where NATS is, and how to use it.

use std::path::PathBuf;
use std::{fmt, time::Duration};

use mesahub_broker::LogBounds;

use crate::names::Prefix;

/// Where NATS is, and how to use it.
#[derive(Debug, Clone)]
pub struct NatsConfig {
    /// The servers of a cluster, tried in this order. All connections of a node go to one of them,
    /// so nodes that shall be spread name them in different orders.
    pub addresses: Vec<Address>,
    /// How to be let in.
    pub login: Login,
    /// TLS, if the servers speak it. Then it is used or nothing is.
    pub tls: Option<Tls>,
    /// What all subjects, and the stream of the logs, begin with.
    pub prefix: Prefix,
    /// The logs, which need JetStream; `None` for none.
    pub log: Option<LogConfig>,
    /// How long connecting to one server may take, with TLS and login.
    pub connect_timeout: Duration,
    /// How long NATS may take for an answer. It is asked every such time when it is silent, so one
    /// that hangs is noticed after twice as long.
    pub response_timeout: Duration,
    /// The first pause before a connection is tried again; later ones double, with chance added.
    pub min_backoff: Duration,
    /// The longest such pause.
    pub max_backoff: Duration,
}

/// How logs are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// The bounds of every topic's log.
    pub bounds: LogBounds,
    /// How many servers of the cluster keep a copy: 1 to 5.
    pub replicas: usize,
    /// Bytes on disk for the logs of all topics together. Over it the oldest entries of all are
    /// dropped, so that a full log refuses no publication.
    pub storage: u64,
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A host name or an IP address, an IPv6 address without its brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// How to be let in. `Debug` shows no secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Login {
    /// Without a word.
    #[default]
    Nobody,
    /// As a user with a password.
    User {
        /// The name.
        name: String,
        /// The password.
        password: String,
    },
    /// With a token.
    Token(String),
    /// With a key pair of Ed25519, of which this is the seed, `SU…`.
    NkeySeed(String),
    /// With the token and the seed in such a file as `nsc` writes. It is read for each connection,
    /// so a new one is taken without a restart.
    Credentials(PathBuf),
}

/// Whom to trust.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// A file with certificates of authorities in PEM, in place of those the machine trusts. It is
    /// read for each connection.
    pub authorities: Option<PathBuf>,
}

impl NatsConfig {
    /// These servers, without login and TLS, with the defaults for everything else.
    #[must_use]
    pub fn new(addresses: Vec<Address>) -> Self {
        Self {
            addresses,
            login: Login::Nobody,
            tls: None,
            prefix: Prefix::default(),
            log: Some(LogConfig::default()),
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(5),
            min_backoff: Duration::from_millis(50),
            max_backoff: Duration::from_secs(1),
        }
    }
}

impl Default for LogConfig {
    /// The contract's bounds, one copy, 1 GiB.
    fn default() -> Self {
        Self {
            bounds: LogBounds::default(),
            replicas: 1,
            storage: 1024 * 1024 * 1024,
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
        match self {
            Self::Nobody => out.write_str("Nobody"),
            Self::User { name, .. } => out
                .debug_struct("User")
                .field("name", name)
                .field("password", &"***")
                .finish(),
            Self::Token(_) => out.write_str("Token(***)"),
            Self::NkeySeed(_) => out.write_str("NkeySeed(***)"),
            Self::Credentials(file) => out.debug_tuple("Credentials").field(file).finish(),
        }
    }
}
