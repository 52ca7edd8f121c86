//! HTTP, byte by byte: a client that sends what no library would.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub(crate) const ORDER: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
pub(crate) const HUB: &str = "/hubs/notifications";

/// Longer than any answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request on a connection of its own.
#[derive(Clone)]
pub(crate) struct Asking {
    line: String,
    headers: Vec<u8>,
    body: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Head and body.
    pub(crate) text: String,
}

impl Asking {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self {
            line: format!("{method} {target}"),
            headers: Vec::new(),
            body: String::new(),
        }
    }

    /// A negotiation.
    pub(crate) fn negotiate() -> Self {
        Self::new("POST", &format!("{HUB}/negotiate?negotiateVersion=1"))
    }

    /// A WebSocket without a negotiation before it.
    pub(crate) fn upgrade(query: &str) -> Self {
        Self::new("GET", &format!("{HUB}{query}"))
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
    }

    /// An order that somebody makes up.
    pub(crate) fn publish(tenant: &str) -> Self {
        let order = json!({
            "type": "NewOrder", "tenantKey": tenant, "orderId": ORDER, "tableNumber": "666",
            "order": {},
        });
        Self::new("POST", "/api/v1/notifications")
            .header("Content-Type", "application/json")
            .body(&order.to_string())
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        let line = format!("{name}: {value}\r\n");
        self.headers.extend(line.into_bytes());
        self
    }

    pub(crate) fn body(mut self, body: &str) -> Self {
        self.body = body.to_owned();
        self
    }

    /// Its method and its path, for messages.
    pub(crate) fn line(&self) -> &str {
        self.line.split('?').next().unwrap()
    }

    /// Sends it and reads the answer.
    pub(crate) async fn send(&self, to: SocketAddr) -> Answer {
        let exchange = self.exchange(to);
        let exchanged = timeout(PATIENCE, exchange).await;
        exchanged.unwrap_or_else(|_| panic!("no answer in time to {}", self.line()))
    }

    async fn exchange(&self, to: SocketAddr) -> Answer {
        let mut stream = TcpStream::connect(to).await.unwrap();
        let (line, body) = (&self.line, &self.body);
        let mut bytes = format!("{line} HTTP/1.1\r\nHost: {to}\r\n").into_bytes();
        bytes.extend(&self.headers);
        bytes.extend(format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes());
        // A server that has seen enough may hang up before it has read all.
        let _ = stream.write_all(&bytes).await;
        Answer::read(&mut stream).await
    }
}

impl Answer {
    async fn read(stream: &mut TcpStream) -> Self {
        let mut text = Vec::new();
        while !text.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => text.push(byte),
                Err(error) => panic!("no whole answer: {error}"),
            }
        }
        let head = String::from_utf8(text.clone()).unwrap().to_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        text.extend(body);
        let text = String::from_utf8(text).unwrap();
        Self {
            status: text[9..12].parse().unwrap(),
            text,
        }
    }

    /// The body, if it is JSON.
    pub(crate) fn json(&self) -> Value {
        let (_, body) = self.text.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap_or_default()
    }
}
