//! Where RabbitMQ is, and how to use it.

use std::{fmt, time::Duration};

use mesahub_broker::LogBounds;

/// Where RabbitMQ is, and how to use it.
#[derive(Debug, Clone)]
pub struct AmqpConfig {
    /// The servers of one cluster, of which any will do. They are tried in turn, from one chosen
    /// by chance, so that the nodes spread over them.
    pub addresses: Vec<Address>,
    /// How to be let in.
    pub login: Login,
    /// TLS, if the servers speak it.
    pub tls: Option<Tls>,
    /// The virtual host.
    pub virtual_host: String,
    /// What the names of the exchange and of all queues begin with. Nodes with the same prefix in
    /// the same virtual host are one backplane. 1 to 100 bytes.
    pub prefix: String,
    /// The bounds of every topic's log.
    pub log: LogBounds,
    /// Payload bytes that this node keeps of the logs of all topics together. What is over is
    /// dropped, oldest first, and answered as unknown.
    pub log_memory: usize,
    /// Bytes that may wait at RabbitMQ for this node when it does not keep up. What is over is
    /// dropped there, and this node is told of a gap.
    pub queue_bytes: u32,
    /// Messages that RabbitMQ sends ahead of what this node has taken.
    pub prefetch: u16,
    /// How long connecting to one address may take, with TLS and login.
    pub connect_timeout: Duration,
    /// How long RabbitMQ may take for an answer.
    pub response_timeout: Duration,
    /// How often each side shows that it is alive, in seconds. A server that hangs is noticed
    /// after twice as long.
    pub heartbeat: u16,
    /// The first pause before a connection is tried again; later ones double, with chance added.
    pub min_backoff: Duration,
    /// The longest such pause.
    pub max_backoff: Duration,
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A host name or an IP address, an IPv6 address without its brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// How to be let in. `Debug` does not show the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
}

/// Whom to trust.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// Certificates of authorities in PEM, beside those the machine trusts.
    pub authorities: Option<String>,
}

impl AmqpConfig {
    /// These servers, with the login that a fresh RabbitMQ takes from its own machine, without TLS,
    /// and with the defaults for everything else.
    #[must_use]
    pub fn new(addresses: Vec<Address>) -> Self {
        Self {
            addresses,
            login: Login::default(),
            tls: None,
            virtual_host: "/".to_owned(),
            prefix: "mesahub".to_owned(),
            log: LogBounds::default(),
            log_memory: 64 * 1024 * 1024,
            queue_bytes: 256 * 1024 * 1024,
            prefetch: 500,
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(5),
            heartbeat: 10,
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

impl Default for Login {
    /// `guest` with its well-known password, which RabbitMQ takes from its own machine only.
    fn default() -> Self {
        Self {
            user: "guest".to_owned(),
            password: "guest".to_owned(),
        }
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
            .field("password", &"***")
            .finish()
    }
}
