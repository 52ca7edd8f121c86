//! A client that writes whatever bytes a test wants.

use std::io;
use std::time::Duration;

use mesahub::hub::ConnectionId;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::deadline::within;
use super::request::Request;
use super::server::Server;

/// An open WebSocket without a library.
pub(crate) struct Raw {
    pub(crate) id: ConnectionId,
    /// What opens another socket for it; empty if it has none.
    pub(crate) token: String,
    stream: TcpStream,
}

/// What the server sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// One frame, whole and unmasked.
    Frame(u8, Vec<u8>),
    /// The end of the stream, orderly or not.
    End,
}

pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

impl Raw {
    /// Negotiates and opens the socket; says nothing on it yet.
    pub(crate) async fn open(server: &Server) -> Self {
        Self::negotiate(server, "?negotiateVersion=1").await
    }

    /// Negotiates with this query and opens the socket; says nothing on it yet.
    pub(crate) async fn negotiate(server: &Server, query: &str) -> Self {
        let negotiated = Request::negotiate(query).send(server).await.json();
        let token = negotiated["connectionToken"].as_str().unwrap().to_owned();
        let id = negotiated["connectionId"].as_str().unwrap().parse();
        let raw = Self::attach(server, id.unwrap(), &token).await;
        raw.expect("the first socket is taken")
    }

    /// Opens a socket for a connection that may have had another one, or says with which status
    /// that is refused.
    pub(crate) async fn attach(
        server: &Server,
        id: ConnectionId,
        token: &str,
    ) -> Result<Self, u16> {
        let upgraded = Request::upgrade(&format!("?id={token}")).send(server).await;
        match upgraded.status {
            101 => Ok(Self {
                id,
                token: token.to_owned(),
                stream: upgraded.stream,
            }),
            refused => Err(refused),
        }
    }

    /// Goes on with a socket that has been upgraded, of a connection with this id.
    pub(crate) fn upgraded(id: ConnectionId, stream: TcpStream) -> Self {
        Self {
            id,
            token: String::new(),
            stream,
        }
    }

    /// Opens the socket and shakes hands.
    pub(crate) async fn connect(server: &Server) -> Self {
        let mut raw = Self::open(server).await;
        raw.text("{\"protocol\":\"json\",\"version\":1}\u{1e}")
            .await;
        assert_eq!(raw.receive().await, Sent::text("{}"));
        raw
    }

    /// Writes bytes as they are. A server that has already hung up is no failure.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        let written = within("the socket to take bytes", self.stream.write_all(bytes)).await;
        if let Err(error) = written {
            assert!(is_hang_up(&error), "{error}");
        }
    }

    /// Writes one masked text frame.
    pub(crate) async fn text(&mut self, payload: impl AsRef<[u8]>) {
        self.write(&masked(TEXT, payload.as_ref())).await;
    }

    /// Writes one masked binary frame.
    pub(crate) async fn binary(&mut self, payload: &[u8]) {
        self.write(&masked(BINARY, payload)).await;
    }

    /// Reads what comes next.
    pub(crate) async fn receive(&mut self) -> Sent {
        match within("the server to send", self.read_frame()).await {
            Ok((opcode, payload)) => Sent::Frame(opcode, payload),
            Err(error) if is_hang_up(&error) => Sent::End,
            Err(error) => panic!("{error}"),
        }
    }

    /// Answers a Close frame, and sees the server hang up.
    pub(crate) async fn part(&mut self) {
        assert_eq!(self.receive().await, Sent::close());
        self.write(&masked(CLOSE, &[0x03, 0xe8])).await;
        assert_eq!(self.receive().await, Sent::End);
    }

    /// Expects this as the last message, and then the same.
    pub(crate) async fn part_with(&mut self, last: &str) {
        assert_eq!(self.receive().await, Sent::text(last));
        self.part().await;
    }

    /// Ends the socket with a reset, as a machine that is switched off does sooner or later.
    pub(crate) fn reset(self) {
        let socket = SockRef::from(&self.stream);
        socket.set_linger(Some(Duration::ZERO)).unwrap();
    }

    /// Closes only the sending side.
    pub(crate) async fn hang_up(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    async fn read_frame(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let first = self.stream.read_u8().await?;
        assert_eq!(first & 0xf0, 0x80, "whole frames without reserved bits");
        let length = match self.stream.read_u8().await? {
            126 => usize::from(self.stream.read_u16().await?),
            127 => usize::try_from(self.stream.read_u64().await?).unwrap(),
            length => usize::from(length),
        };
        assert!(length < 0x80 || length > 125, "a server does not mask");
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload).await?;
        Ok((first & 0x0f, payload))
    }
}

impl Sent {
    /// One hub message in a text frame.
    pub(crate) fn text(message: &str) -> Self {
        Self::Frame(TEXT, format!("{message}\u{1e}").into_bytes())
    }

    /// The end of a WebSocket as it should be.
    pub(crate) fn close() -> Self {
        Self::Frame(CLOSE, vec![0x03, 0xe8])
    }
}

/// A masked frame that is the whole of its message.
pub(crate) fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    frame(0x80 | opcode, payload)
}

/// A masked frame with any first byte.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x5a, 0x01, 0xfe, 0x33];
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..126 => bytes.push(0x80 | u8::try_from(length).unwrap()),
        length @ 126..65_536 => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            bytes.push(0x80 | 127);
            bytes.extend(u64::try_from(length).unwrap().to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(
        payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    bytes
}

fn is_hang_up(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    )
}
