//! A client over WebSockets, without negotiation.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::server::admin_token;

/// A client that has shaken hands.
pub(crate) struct Client(WebSocketStream<TcpStream>);

impl Client {
    /// An admin of the tenant.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let mut client = Self::open(address).await;
        client.send("{\"protocol\":\"json\",\"version\":1}").await;
        assert_eq!(client.text().await.as_deref(), Some("{}"));
        // An answer to a call shows that the connect handler is done.
        client.call("Ping", "[]").await;
        client
    }

    /// One that has not shaken hands yet.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let token = admin_token();
        let url = format!("ws://{address}/hubs/notifications?access_token={token}");
        let stream = TcpStream::connect(address).await.unwrap();
        Self(client_async(url, stream).await.unwrap().0)
    }

    pub(crate) async fn send(&mut self, message: &str) {
        let message = Message::text(format!("{message}\u{1e}"));
        self.0.send(message).await.unwrap();
    }

    /// Calls a method, and waits for its completion.
    pub(crate) async fn call(&mut self, method: &str, arguments: &str) -> Value {
        self.send(&format!(
            "{{\"type\":1,\"invocationId\":\"1\",\"target\":\"{method}\",\"arguments\":{arguments}}}"
        ))
        .await;
        loop {
            let told: Value = serde_json::from_str(&self.text().await.unwrap()).unwrap();
            if told["type"] == 3 {
                return told;
            }
        }
    }

    /// The name of the next client method that is called.
    pub(crate) async fn heard(&mut self) -> String {
        loop {
            let told: Value = serde_json::from_str(&self.text().await.unwrap()).unwrap();
            if told["type"] == 1 {
                return told["target"].as_str().unwrap().to_owned();
            }
        }
    }

    /// The next hub message; `None` at the end.
    pub(crate) async fn text(&mut self) -> Option<String> {
        let next = timeout(Duration::from_secs(60), self.0.next()).await;
        match next.expect("a message in time") {
            Some(Ok(Message::Text(text))) => Some(text.trim_end_matches('\u{1e}').to_owned()),
            _ => None,
        }
    }
}
