//! Connecting to one of the servers.

use std::hash::{BuildHasher, RandomState};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use async_rs::TokioRuntime;
use lapin::tcp::{AsyncTcpStream, OwnedTLSConfig};
use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo};
use lapin::{Connection, ConnectionProperties};
use parking_lot::Mutex;
use tokio::time::timeout;

use crate::config::{Address, AmqpConfig};
use crate::error::LinkError;

/// A connection. Dropping it ends it.
pub(crate) struct Dialled {
    pub(crate) connection: Connection,
    socket: Socket,
    pub(crate) at: String,
}

/// The socket below a connection, for when nothing answers on it any more.
#[derive(Clone, Default)]
struct Socket(Arc<Mutex<Option<TcpStream>>>);

/// Connects to the first of the addresses that lets us in, beginning with one chosen by chance.
/// `purpose` is shown beside the connection by RabbitMQ's tools.
pub(crate) async fn dial(config: &AmqpConfig, purpose: &str) -> Result<Dialled, LinkError> {
    let count = config.addresses.len();
    let first = RandomState::new().hash_one(count) as usize % count.max(1);
    let mut last = LinkError::NoAddress;
    for address in config.addresses.iter().cycle().skip(first).take(count) {
        match dial_one(config, address, purpose).await {
            Ok(dialled) => return Ok(dialled),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn dial_one(
    config: &AmqpConfig,
    address: &Address,
    purpose: &str,
) -> Result<Dialled, LinkError> {
    let at = address.to_string();
    let socket = Socket::default();
    let connecting = connect(config, address, purpose, socket.clone());
    match timeout(config.connect_timeout, connecting).await {
        Ok(Ok(connection)) => Ok(Dialled {
            connection,
            socket,
            at,
        }),
        Ok(Err(error)) => Err(LinkError::Connect(at, error)),
        Err(_) => {
            // The library's thread still waits for the server, and ends with the socket.
            socket.shut();
            Err(LinkError::Silent(at, config.connect_timeout))
        }
    }
}

async fn connect(
    config: &AmqpConfig,
    address: &Address,
    purpose: &str,
    socket: Socket,
) -> lapin::Result<Connection> {
    let uri = uri(config, address);
    let tls = config.tls.clone().map(|tls| OwnedTLSConfig {
        identity: None,
        cert_chain: tls.authorities,
    });
    let name = format!("mesahub {purpose}");
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let opening = async move |uri: AMQPUri, runtime: TokioRuntime| {
        let host = (uri.authority.host.as_str(), uri.authority.port);
        let addresses: Vec<_> = tokio::net::lookup_host(host).await?.collect();
        let stream = AsyncTcpStream::connect(&runtime, addresses).await?;
        if let AsyncTcpStream::Plain(tcp) = &stream {
            socket.keep(tcp.get_ref())?;
        }
        Ok(match &tls {
            Some(tls) => stream.into_tls(host.0, tls.as_ref()).await?,
            None => stream,
        })
    };
    let runtime = lapin::runtime::default_runtime()?;
    Connection::connector(uri, runtime, opening, properties).await
}

fn uri(config: &AmqpConfig, address: &Address) -> AMQPUri {
    AMQPUri {
        scheme: match config.tls {
            Some(_) => AMQPScheme::AMQPS,
            None => AMQPScheme::AMQP,
        },
        authority: AMQPAuthority {
            userinfo: AMQPUserInfo {
                username: config.login.user.clone(),
                password: config.login.password.clone(),
            },
            host: address.host.clone(),
            port: address.port,
        },
        vhost: config.virtual_host.clone(),
        query: AMQPQueryString {
            heartbeat: Some(config.heartbeat),
            ..AMQPQueryString::default()
        },
    }
}

impl Dialled {
    /// Ends the connection in an orderly way, and in any way after a while.
    pub(crate) async fn close(self, patience: Duration) {
        let closing = self.connection.close(200, "goodbye".into());
        if !matches!(timeout(patience, closing).await, Ok(Ok(()))) {
            self.socket.shut();
        }
    }

    /// Ends the connection at once.
    pub(crate) fn abort(&self) {
        self.socket.shut();
    }
}

impl Socket {
    fn keep(&self, socket: &impl AsFd) -> std::io::Result<()> {
        let copy = socket.as_fd().try_clone_to_owned()?;
        *self.0.lock() = Some(copy.into());
        Ok(())
    }

    fn shut(&self) {
        if let Some(socket) = self.0.lock().take() {
            // It may have ended already.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}
