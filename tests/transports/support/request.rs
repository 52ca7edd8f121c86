//! A request to the server under test, in HTTP/1.1.

use std::fmt::Write;
use std::net::SocketAddr;

use super::exchange::{Answer, Exchange};

/// A request that has not been sent.
#[derive(Clone)]
pub(crate) struct Request {
    head: String,
    body: Vec<u8>,
}

impl Request {
    /// A request to the endpoint under test, or to what lies below it.
    pub(crate) fn new(method: &str, rest: &str) -> Self {
        Self {
            head: format!("{method} /hub{rest} HTTP/1.1\r\nHost: test\r\n"),
            body: Vec::new(),
        }
    }

    pub(crate) fn negotiate() -> Self {
        Self::new("POST", "/negotiate?negotiateVersion=1")
    }

    /// A poll.
    pub(crate) fn poll(token: &str) -> Self {
        Self::new("GET", &format!("?id={token}&_=1716"))
    }

    /// A request for an event stream.
    pub(crate) fn events(token: &str) -> Self {
        Self::new("GET", &format!("?id={token}")).header("Accept", "text/event-stream")
    }

    /// A WebSocket upgrade, with or without a token.
    pub(crate) fn upgrade(query: &str) -> Self {
        Self::new("GET", query)
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")
    }

    pub(crate) fn post(token: &str, body: impl Into<Vec<u8>>) -> Self {
        let mut request = Self::new("POST", &format!("?id={token}"));
        request.body = body.into();
        request
    }

    pub(crate) fn delete(token: &str) -> Self {
        Self::new("DELETE", &format!("?id={token}"))
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        write!(self.head, "{name}: {value}\r\n").unwrap();
        self
    }

    /// As somebody with this token.
    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    /// Sends it over a socket of its own, without waiting for the answer.
    pub(crate) async fn open(self, address: SocketAddr) -> Exchange {
        let length = self.body.len();
        let mut bytes = format!("{}Content-Length: {length}\r\n\r\n", self.head).into_bytes();
        bytes.extend_from_slice(&self.body);
        Exchange::begin(address, &bytes).await
    }

    /// Sends its head and a part of a longer body.
    pub(crate) async fn open_partly(self, address: SocketAddr, missing: usize) -> Exchange {
        let length = self.body.len() + missing;
        let mut bytes = format!("{}Content-Length: {length}\r\n\r\n", self.head).into_bytes();
        bytes.extend_from_slice(&self.body);
        Exchange::begin(address, &bytes).await
    }

    /// Sends it and waits for the answer.
    pub(crate) async fn send(self, address: SocketAddr) -> Answer {
        self.open(address).await.answer().await
    }
}
