//! A client over long polling, or of plain requests that look like it.

use std::io;
use std::net::SocketAddr;

use mesahub_protocol::Protocol;
use tokio::net::TcpStream;

use crate::support::dial::Kind;
use crate::support::http::Line;
use crate::support::server::{PATH, PLAIN};
use crate::support::speech::handshake;

/// Two lines: one for polls and one for what is sent.
pub(crate) struct Polled {
    path: String,
    polls: Line,
    posts: Line,
    poll: Vec<u8>,
}

impl Polled {
    /// Connects and shakes hands, or does nothing of that for [`Kind::Bare`].
    pub(crate) async fn open(server: SocketAddr, kind: Kind) -> io::Result<Self> {
        let (polls, mut posts) = (Line::open(server).await?, Line::open(server).await?);
        if kind == Kind::Bare {
            let path = PLAIN.to_owned();
            let poll = polls.request(&format!("GET {path}"), "", b"");
            return Ok(Self {
                path,
                polls,
                posts,
                poll,
            });
        }
        let path = negotiated(&mut posts, PATH).await?;
        let poll = polls.request(&format!("GET {path}"), "", b"");
        let mut client = Self {
            path,
            polls,
            posts,
            poll,
        };
        // The first poll only opens the connection.
        client.begin_poll().await?;
        client.end_poll().await?;
        client.post(&handshake(Protocol::Json)).await?;
        client.begin_poll().await?;
        let shaken = client.end_poll().await?;
        assert_eq!(shaken, b"{}\x1e", "the handshake is accepted");
        Ok(client)
    }

    /// Sends a poll.
    pub(crate) async fn begin_poll(&mut self) -> io::Result<()> {
        self.polls.send(&self.poll).await
    }

    /// Waits for the answer of the poll that was sent last.
    pub(crate) async fn end_poll(&mut self) -> io::Result<Vec<u8>> {
        self.polls.answer().await
    }

    /// Sends bytes and waits until they have been taken.
    pub(crate) async fn post(&mut self, body: &[u8]) -> io::Result<()> {
        let request = self.posts.request(&format!("POST {}", self.path), "", body);
        self.posts.exchange(&request).await.map(drop)
    }

    /// Leaves a poll waiting and gives its socket.
    pub(crate) async fn idle(mut self) -> io::Result<TcpStream> {
        self.begin_poll().await?;
        Ok(self.polls.into_socket())
    }
}

/// Negotiates, and gives the path of the connection.
pub(crate) async fn negotiated(line: &mut Line, path: &str) -> io::Result<String> {
    let negotiate = format!("POST {path}/negotiate?negotiateVersion=1");
    let answer = line.exchange(&line.request(&negotiate, "", b"")).await?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let token = answer
        .split_once("\"connectionToken\":\"")
        .and_then(|(_, rest)| rest.split('"').next());
    match token {
        Some(token) => Ok(format!("{path}?id={token}")),
        None => Err(io::Error::new(io::ErrorKind::InvalidData, answer)),
    }
}
