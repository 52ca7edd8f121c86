//! Opening one connection to a hub, with as little code as that takes.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::server::{PATH, TokenMint};

/// A mask as a client has to use one; it need not be random on a loopback.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

const HANDSHAKE: &[u8] = b"{\"protocol\":\"json\",\"version\":1}\x1e";

/// What the server answers to it, as one frame.
const HANDSHAKE_OK: &[u8] = b"\x81\x03{}\x1e";

/// What a client process opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A TCP connection that says nothing: the floor.
    Bare,
    /// A WebSocket with its SignalR handshake done.
    Anonymous,
    /// The same with a token of its own, as a customer with a dining session.
    Customer,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Bare, Self::Anonymous, Self::Customer];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Anonymous => "anonymous",
            Self::Customer => "customer",
        }
    }

    pub(crate) fn named(name: &str) -> Self {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.expect("the parent names a kind that exists")
    }
}

/// Connects; `number` makes the customer's identity.
pub(crate) async fn dial(
    address: SocketAddr,
    kind: Kind,
    mint: &TokenMint,
    number: usize,
) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let query = match kind {
        Kind::Bare => return Ok(stream),
        Kind::Anonymous => String::new(),
        Kind::Customer => format!("?access_token={}", mint.customer(number)),
    };
    let request = format!(
        "GET {PATH}{query} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let head = read_head(&mut stream).await?;
    if !head.starts_with(b"HTTP/1.1 101 ") {
        let head = String::from_utf8_lossy(&head).into_owned();
        return Err(io::Error::new(io::ErrorKind::InvalidData, head));
    }
    stream.write_all(&masked(HANDSHAKE)).await?;
    let mut answer = [0; HANDSHAKE_OK.len()];
    stream.read_exact(&mut answer).await?;
    if answer != HANDSHAKE_OK {
        let answer = String::from_utf8_lossy(&answer).into_owned();
        return Err(io::Error::new(io::ErrorKind::InvalidData, answer));
    }
    Ok(stream)
}

/// A text frame as a client sends it (RFC 6455, section 5.3), of a payload under 64 KiB.
pub(crate) fn masked(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81];
    match u8::try_from(payload.len()) {
        Ok(length) if length < 126 => frame.push(0x80 | length),
        _ => {
            let length = u16::try_from(payload.len()).expect("a bench sends short messages");
            frame.push(0x80 | 126);
            frame.extend_from_slice(&length.to_be_bytes());
        }
    }
    frame.extend_from_slice(&MASK);
    frame.extend(
        payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    frame
}

/// Reads to the end of a response's head and not a byte further.
async fn read_head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(head)
}
