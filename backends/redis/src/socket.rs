//! A socket to Redis, with TLS where it is wanted, logged in and speaking RESP3.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};

use crate::config::{Address, RedisConfig, Tls};
use crate::error::LinkError;
use crate::resp::{self, Value};

/// Bytes that are made room for at a time.
const READ: usize = 16 * 1024;

/// A connection and what was read ahead.
pub(crate) struct Socket {
    stream: Stream,
    buffer: BytesMut,
    at: Address,
    server: Server,
}

/// What a server says of itself.
#[derive(Debug, Default)]
pub(crate) struct Server {
    pub(crate) version: String,
    /// Whether it is a node of a cluster.
    pub(crate) is_cluster: bool,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Socket {
    /// Connects and logs in, within the time for connecting.
    pub(crate) async fn open(config: &RedisConfig, at: &Address) -> Result<Self, LinkError> {
        let opening = async {
            let mut socket = Self::connect(config, at).await?;
            socket.log_in(config).await?;
            Ok(socket)
        };
        match timeout(config.connect_timeout, opening).await {
            Ok(opened) => opened,
            Err(_) => Err(LinkError::Silent(at.to_string(), config.connect_timeout)),
        }
    }

    /// Connects, with TLS where it is wanted, for as long as it takes.
    pub(crate) async fn connect(config: &RedisConfig, at: &Address) -> Result<Self, LinkError> {
        let failed = |error| LinkError::Connect(at.to_string(), error);
        let tcp = TcpStream::connect((at.host.as_str(), at.port))
            .await
            .map_err(failed)?;
        tcp.set_nodelay(true).map_err(failed)?;
        let stream = match &config.tls {
            None => Stream::Plain(tcp),
            Some(tls) => {
                let name = ServerName::try_from(at.host.clone())
                    .map_err(|error| failed(io::Error::other(error)))?;
                let tls = connector(tls)?.connect(name, tcp).await.map_err(failed)?;
                Stream::Tls(Box::new(tls))
            }
        };
        Ok(Self {
            stream,
            buffer: BytesMut::new(),
            at: at.clone(),
            server: Server::default(),
        })
    }

    /// Where it leads.
    pub(crate) fn at(&self) -> &Address {
        &self.at
    }

    /// What the server has said of itself; nothing before it let us in.
    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// Logs in and asks for RESP3, for as long as it takes.
    pub(crate) async fn log_in(&mut self, config: &RedisConfig) -> Result<(), LinkError> {
        let mut hello = vec!["HELLO", "3"];
        if let Some(password) = &config.login.password {
            let user = config.login.user.as_deref().unwrap_or("default");
            hello.extend(["AUTH", user, password]);
        }
        hello.extend(["SETNAME", "mesahub"]);
        self.send(&hello).await?;
        let facts = match self.next().await? {
            Value::Error(text) => return Err(LinkError::Refused(without_arguments(text))),
            Value::List(facts) => facts,
            _ => Vec::new(),
        };
        let fact = |name: &str| {
            let mut pairs = facts.chunks_exact(2);
            let pair = pairs.find(|pair| pair[0].text().is_some_and(|it| it == name));
            pair.and_then(|pair| pair[1].text()).cloned()
        };
        let version = fact("version").unwrap_or_default();
        self.server = Server {
            version: String::from_utf8_lossy(&version).into_owned(),
            is_cluster: fact("mode").is_some_and(|mode| mode == "cluster"),
        };
        Ok(())
    }

    /// Sends a command of words and takes the answer; an error is no answer.
    pub(crate) async fn ask(&mut self, words: &[&str]) -> Result<Value, LinkError> {
        self.send(words).await?;
        match self.next().await? {
            Value::Error(text) => Err(LinkError::Refused(text)),
            answer => Ok(answer),
        }
    }

    /// Sends a command of words.
    pub(crate) async fn send(&mut self, words: &[&str]) -> Result<(), LinkError> {
        let words = words.iter().map(|word| word.as_bytes());
        self.write(&resp::command(words)).await
    }

    /// Sends bytes that are commands.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        self.stream
            .write_all(bytes)
            .await
            .map_err(LinkError::Broken)?;
        self.stream.flush().await.map_err(LinkError::Broken)
    }

    /// The next value. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Value, LinkError> {
        loop {
            if let Some(value) = resp::take(&mut self.buffer)? {
                return Ok(value);
            }
            self.buffer.reserve(READ);
            let read = self.stream.read_buf(&mut self.buffer).await;
            if read.map_err(LinkError::Broken)? == 0 {
                return Err(LinkError::Closed);
            }
        }
    }
}

/// A server that does not know a command repeats what it was given with it: the password, here.
fn without_arguments(mut text: String) -> String {
    if let Some(end) = text.find(", with args beginning") {
        text.truncate(end);
    }
    text
}

fn connector(tls: &Tls) -> Result<TlsConnector, LinkError> {
    let mut roots = RootCertStore::empty();
    let unusable = |error: &dyn std::fmt::Display| LinkError::Authorities(error.to_string());
    match &tls.authorities {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(|error| unusable(&error))?;
                roots.add(certificate).map_err(|error| unusable(&error))?;
            }
        }
        None => {
            let native = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(native.certs);
        }
    }
    if roots.is_empty() {
        return Err(unusable(&"there is none"));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
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
