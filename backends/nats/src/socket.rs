//! A socket to NATS, with TLS where it is wanted, logged in.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use mesahub_broker::MAX_PAYLOAD;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::authorities::connector;
use crate::config::{Address, NatsConfig, Tls};
use crate::error::LinkError;
use crate::login::Hello;
use crate::wire::{self, PING, PONG, Word};

/// Bytes that are made room for at a time.
const READ: usize = 16 * 1024;

/// A connection and what was read ahead.
pub(crate) struct Socket {
    stream: Stream,
    buffer: BytesMut,
    at: String,
    is_clustered: bool,
    max_payload: usize,
    version: String,
    patience: Duration,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// What a server says of itself.
#[derive(Debug, Deserialize)]
#[serde(default)]
struct Info {
    version: String,
    max_payload: usize,
    headers: bool,
    tls_required: bool,
    tls_available: bool,
    nonce: Option<String>,
    /// The name of its cluster, if it is in one.
    cluster: Option<String>,
}

impl Default for Info {
    fn default() -> Self {
        Self {
            version: String::new(),
            max_payload: MAX_PAYLOAD,
            headers: false,
            tls_required: false,
            tls_available: false,
            nonce: None,
            cluster: None,
        }
    }
}

impl Socket {
    /// Connects and logs in, within the time for connecting.
    pub(crate) async fn open(config: &NatsConfig, at: &Address) -> Result<Self, LinkError> {
        match timeout(config.connect_timeout, Self::connect(config, at)).await {
            Ok(opened) => opened,
            Err(_) => Err(LinkError::Silent(at.to_string(), config.connect_timeout)),
        }
    }

    async fn connect(config: &NatsConfig, at: &Address) -> Result<Self, LinkError> {
        let failed = |error| LinkError::Connect(at.to_string(), error);
        let tcp = TcpStream::connect((at.host.as_str(), at.port))
            .await
            .map_err(failed)?;
        tcp.set_nodelay(true).map_err(failed)?;
        let mut socket = Self {
            stream: Stream::Plain(tcp),
            buffer: BytesMut::new(),
            at: at.to_string(),
            is_clustered: false,
            max_payload: MAX_PAYLOAD,
            version: String::new(),
            patience: config.response_timeout,
        };
        let info = socket.info().await?;
        socket.is_clustered = info.cluster.is_some();
        socket.max_payload = info.max_payload;
        socket.version.clone_from(&info.version);
        match &config.tls {
            None if info.tls_required => return Err(LinkError::TlsOnly(socket.at)),
            Some(_) if !info.tls_required && !info.tls_available => {
                return Err(LinkError::NoTls(socket.at));
            }
            None => {}
            Some(tls) => socket = socket.secure(tls, at).await?,
        }
        socket.log_in(config, &info).await?;
        Ok(socket)
    }

    /// The server speaks first.
    async fn info(&mut self) -> Result<Info, LinkError> {
        let told = match self.next().await? {
            Word::Info(told) => told,
            Word::Error(text) => return Err(LinkError::Refused(text)),
            _ => return Err(wire::NoNats.into()),
        };
        let unreadable = |error| LinkError::Unreadable(self.at.clone(), error);
        let info: Info = serde_json::from_slice(&told).map_err(unreadable)?;
        if info.max_payload < MAX_PAYLOAD {
            return Err(LinkError::SmallPayloads {
                at: self.at.clone(),
                size: info.max_payload,
            });
        }
        match info.headers {
            true => Ok(info),
            false => Err(LinkError::TooOld(self.at.clone())),
        }
    }

    async fn secure(self, tls: &Tls, at: &Address) -> Result<Self, LinkError> {
        let failed = |error| LinkError::Connect(at.to_string(), error);
        let tcp = match self.stream {
            Stream::Plain(tcp) => tcp,
            Stream::Tls(_) => return Ok(self),
        };
        let name = ServerName::try_from(at.host.clone())
            .map_err(|error| failed(io::Error::other(error)))?;
        let secured = connector(tls).await?.connect(name, tcp).await;
        Ok(Self {
            stream: Stream::Tls(Box::new(secured.map_err(failed)?)),
            // What was read ahead was not secured: it must not be believed.
            buffer: BytesMut::new(),
            ..self
        })
    }

    async fn log_in(&mut self, config: &NatsConfig, info: &Info) -> Result<(), LinkError> {
        let is_tls = config.tls.is_some();
        let hello = Hello::new(&config.login, is_tls, info.nonce.as_deref()).await?;
        let hello = serde_json::to_string(&hello)
            .map_err(|error| LinkError::Broken(io::Error::other(error)))?;
        let mut out = format!("CONNECT {hello}\r\n").into_bytes();
        out.extend_from_slice(PING);
        self.write(&out).await?;
        loop {
            match self.next().await? {
                Word::Pong => return Ok(()),
                Word::Error(text) => return Err(LinkError::Refused(text)),
                Word::Ping => self.write(PONG).await?,
                _ => {}
            }
        }
    }

    /// Where it leads.
    pub(crate) fn at(&self) -> &str {
        &self.at
    }

    /// Whether the server is one of a cluster.
    pub(crate) fn is_clustered(&self) -> bool {
        self.is_clustered
    }

    /// What the server says its version is; empty where it says nothing.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// The most bytes that a message may have with its headers, 1 MiB or more.
    pub(crate) fn max_payload(&self) -> usize {
        self.max_payload
    }

    /// Sends bytes that are words of the protocol, or gives up after the time for an answer.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        let writing = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        match timeout(self.patience, writing).await {
            Ok(written) => written.map_err(LinkError::Broken),
            Err(_) => Err(LinkError::Silent(self.at.clone(), self.patience)),
        }
    }

    /// The next word. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Word, LinkError> {
        loop {
            if let Some(word) = wire::take(&mut self.buffer)? {
                return Ok(word);
            }
            self.buffer.reserve(READ);
            let read = self.stream.read_buf(&mut self.buffer).await;
            if read.map_err(LinkError::Broken)? == 0 {
                return Err(LinkError::Closed);
            }
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
