//! One HTTP request, written and read byte by byte.

use std::fmt::Write as _;

use http::HeaderMap;
use http::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::deadline::within;
use super::server::Server;

/// A request that is yet to be sent.
pub(crate) struct Request {
    method: &'static str,
    target: String,
    headers: Vec<(&'static str, String)>,
    /// Written behind the head, in the same breath.
    behind: Vec<u8>,
}

/// What came back, and the socket it came on.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    pub(crate) stream: TcpStream,
}

impl Request {
    pub(crate) fn new(method: &'static str, target: impl Into<String>) -> Self {
        Self {
            method,
            target: target.into(),
            headers: Vec::new(),
            behind: Vec::new(),
        }
    }

    pub(crate) fn negotiate(query: &str) -> Self {
        Self::new("POST", format!("/hub/negotiate{query}"))
    }

    /// A WebSocket upgrade as RFC 6455 wants it, with its own example of a key.
    pub(crate) fn upgrade(query: &str) -> Self {
        Self::new("GET", format!("/hub{query}"))
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("Authorization", format!("Bearer {token}"))
    }

    pub(crate) fn followed_by(mut self, bytes: Vec<u8>) -> Self {
        self.behind = bytes;
        self
    }

    /// Sends it on a socket of its own and reads the answer.
    pub(crate) async fn send(self, server: &Server) -> Response {
        let stream = TcpStream::connect(server.address).await.unwrap();
        self.send_on(stream).await
    }

    /// Sends it on a socket and reads the answer.
    pub(crate) async fn send_on(self, mut stream: TcpStream) -> Response {
        let host = stream.peer_addr().unwrap();
        let mut head = format!(
            "{} {} HTTP/1.1\r\nHost: {host}\r\n",
            self.method, self.target
        );
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        if self.method == "POST" {
            head.push_str("Content-Length: 0\r\n");
        }
        head.push_str("\r\n");
        let bytes = [head.into_bytes(), self.behind].concat();
        stream.write_all(&bytes).await.unwrap();
        within("an HTTP answer", Response::read(stream)).await
    }
}

impl Response {
    async fn read(mut stream: TcpStream) -> Self {
        let mut head = Vec::new();
        // Nothing behind the head may be taken away from whoever reads on.
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap()[9..12].parse().unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            headers.append(
                name.parse::<HeaderName>().unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        let length = headers.get(CONTENT_LENGTH).map_or(0, |length| {
            length.to_str().unwrap().parse::<usize>().unwrap()
        });
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        Self {
            status,
            headers,
            body: String::from_utf8(body).unwrap(),
            stream,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}
