//! Bytes to the server and back, with TLS or without.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::address::Address;
use super::error::LoadError;
use super::refusal::Refusal;

/// A connection of bytes.
pub(super) trait Bytes: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Bytes for T {}

/// A connection of bytes, whatever carries it. Dropping it resets the connection, as a cable that is
/// cut would in the end, and leaves no port waiting.
pub(super) type Wire = Box<dyn Bytes>;

/// Connects to one server.
#[derive(Clone)]
pub(super) struct Dial {
    address: Address,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Dial {
    pub(super) fn new(address: &Address) -> Result<Self, LoadError> {
        let tls = match address.has_tls() {
            true => Some((connector()?, server_name(address)?)),
            false => None,
        };
        Ok(Self {
            address: address.clone(),
            tls,
        })
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    pub(super) async fn connect(&self) -> Result<Wire, Refusal> {
        let unreachable = |error: io::Error| Refusal::Connect(error.kind());
        let to = (self.address.name(), self.address.port());
        let stream = TcpStream::connect(to).await.map_err(unreachable)?;
        let socket = SockRef::from(&stream);
        socket.set_tcp_nodelay(true).map_err(unreachable)?;
        socket
            .set_linger(Some(Duration::ZERO))
            .map_err(unreachable)?;
        let Some((connector, name)) = &self.tls else {
            return Ok(Box::new(stream));
        };
        let secured = connector.connect(name.clone(), stream).await;
        Ok(Box::new(
            secured.map_err(|error| Refusal::Tls(error.to_string()))?,
        ))
    }
}

fn server_name(address: &Address) -> Result<ServerName<'static>, LoadError> {
    ServerName::try_from(address.name().to_owned())
        .map_err(|_| LoadError::Plan("the server has a name that no certificate can have"))
}

/// Trusts what the machine trusts.
fn connector() -> Result<TlsConnector, LoadError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let error = found.errors.into_iter().next();
        let error = error.map_or_else(
            || io::Error::new(io::ErrorKind::NotFound, "there are none"),
            io::Error::other,
        );
        return Err(LoadError::Certificates(error));
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
