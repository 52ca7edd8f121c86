//! Opening one connection to a hub, with as little code as that takes.

use std::io;
use std::net::SocketAddr;

use mesahub_protocol::Protocol;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::http::Line;
use crate::support::polled::{Polled, negotiated};
use crate::support::server::{PATH, TokenMint};
use crate::support::speech::{framed, handshake, masked};

/// What a client process opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A TCP connection that says nothing: the floor.
    Bare,
    /// A WebSocket with its SignalR handshake done, in JSON.
    Anonymous,
    /// The same in MessagePack.
    Packed,
    /// The same in JSON, with a token of its own, as a customer with a dining session.
    Customer,
    /// The same in JSON, with a token of its own, as one of the staff.
    Staff,
    /// An event stream with its handshake done.
    Events,
    /// A poll that waits, of a connection with its handshake done.
    Poll,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Bare,
        Self::Anonymous,
        Self::Packed,
        Self::Customer,
        Self::Staff,
        Self::Events,
        Self::Poll,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Anonymous => "anonymous",
            Self::Packed => "packed",
            Self::Customer => "customer",
            Self::Staff => "staff",
            Self::Events => "events",
            Self::Poll => "poll",
        }
    }

    pub(crate) fn named(name: &str) -> Self {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.expect("the parent names a kind that exists")
    }

    /// A WebSocket in this hub protocol.
    pub(crate) fn speaking(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Json => Self::Anonymous,
            _ => Self::Packed,
        }
    }
}

/// Connects; `number` makes the customer's identity.
pub(crate) async fn dial(
    address: SocketAddr,
    kind: Kind,
    mint: &TokenMint,
    number: usize,
) -> io::Result<TcpStream> {
    match kind {
        Kind::Bare => Ok(Line::open(address).await?.into_socket()),
        Kind::Anonymous => web_socket(address, Protocol::Json, "").await,
        Kind::Packed => web_socket(address, Protocol::MessagePack, "").await,
        Kind::Customer => {
            let query = format!("?access_token={}", mint.customer(number));
            web_socket(address, Protocol::Json, &query).await
        }
        Kind::Staff => {
            let query = format!("?access_token={}", mint.staff(number));
            web_socket(address, Protocol::Json, &query).await
        }
        Kind::Events => event_stream(address).await,
        Kind::Poll => Polled::open(address, kind).await?.idle().await,
    }
}

async fn web_socket(address: SocketAddr, protocol: Protocol, query: &str) -> io::Result<TcpStream> {
    let mut line = Line::open(address).await?;
    let headers = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\n";
    let request = line.request(&format!("GET {PATH}{query}"), headers, b"");
    line.send(&request).await?;
    line.head().await?;
    let mut stream = line.into_socket();
    // A handshake is JSON, whatever it chooses.
    let shake = masked(Protocol::Json, &handshake(protocol));
    stream.write_all(&shake).await?;
    let expected = framed(protocol, b"{}\x1e");
    let mut answer = vec![0; expected.len()];
    stream.read_exact(&mut answer).await?;
    if answer != expected {
        let answer = String::from_utf8_lossy(&answer).into_owned();
        return Err(io::Error::new(io::ErrorKind::InvalidData, answer));
    }
    Ok(stream)
}

async fn event_stream(address: SocketAddr) -> io::Result<TcpStream> {
    let mut posts = Line::open(address).await?;
    let path = negotiated(&mut posts, PATH).await?;
    let mut events = Line::open(address).await?;
    let accept = "Accept: text/event-stream\r\n";
    let request = events.request(&format!("GET {path}"), accept, b"");
    events.send(&request).await?;
    events.head().await?;
    let shake = handshake(Protocol::Json);
    let request = posts.request(&format!("POST {path}"), "", &shake);
    posts.exchange(&request).await?;
    events.until(b"data: {}\x1e\r\n\r\n\r\n").await?;
    Ok(events.into_socket())
}
