//! A client over a WebSocket.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::server::{Server, in_time};

/// A client that is connected, whether it has shaken hands or not.
pub(crate) struct Client {
    socket: WebSocketStream<TcpStream>,
}

impl Client {
    /// Negotiates, connects and shakes hands.
    pub(crate) async fn connect(server: &Server, token: &str) -> Self {
        let (status, secret) = server.negotiate(token).await;
        assert_eq!(status, 200);
        let mut client = Self::attach(server, token, &secret).await.unwrap();
        client.shake_hands().await;
        client
    }

    /// Connects what was negotiated, or says with which status that is refused.
    pub(crate) async fn attach(server: &Server, token: &str, secret: &str) -> Result<Self, u16> {
        let path = format!("/hubs/notifications?id={secret}&access_token={token}");
        Self::open(server.address, &path).await
    }

    /// Connects without negotiation, or says with which status that is refused.
    pub(crate) async fn dial(server: &Server, token: &str) -> Result<Self, u16> {
        let path = format!("/hubs/notifications?access_token={token}");
        Self::open(server.address, &path).await
    }

    /// Connects to a path.
    pub(crate) async fn open(address: SocketAddr, path: &str) -> Result<Self, u16> {
        let stream = TcpStream::connect(address).await.unwrap();
        match in_time(client_async(format!("ws://{address}{path}"), stream)).await {
            Ok((socket, _)) => Ok(Self { socket }),
            Err(Error::Http(answer)) => {
                assert!(answer.headers().contains_key("retry-after"));
                Err(answer.status().as_u16())
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Shakes hands, and waits until the connect handler is done.
    pub(crate) async fn shake_hands(&mut self) {
        self.send(&json!({"protocol": "json", "version": 1})).await;
        assert_eq!(self.next().await, json!({}));
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        let message = Message::text(format!("{message}\u{1e}"));
        in_time(self.socket.send(message)).await.unwrap();
    }

    /// Calls a method without arguments, and waits for nothing.
    pub(crate) async fn call(&mut self, id: &str, target: &str) {
        let call = json!({"type": 1, "invocationId": id, "target": target, "arguments": []});
        self.send(&call).await;
    }

    /// Makes several calls at the same moment.
    pub(crate) async fn call_at_once(&mut self, ids: &[&str], target: &str) {
        let call = |id: &&str| {
            let call = json!({"type": 1, "invocationId": id, "target": target, "arguments": []});
            format!("{call}\u{1e}")
        };
        let calls: String = ids.iter().map(call).collect();
        in_time(self.socket.send(Message::text(calls)))
            .await
            .unwrap();
    }

    /// The next hub message that is no ping. What a test sends is answered one message a frame.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            let next = in_time(self.socket.next()).await;
            let Some(Ok(Message::Text(text))) = next else {
                panic!("expected a message, found {next:?}");
            };
            let message: Value = serde_json::from_str(text.trim_end_matches('\u{1e}')).unwrap();
            if message["type"] != 6 {
                return message;
            }
        }
    }

    /// The id of the next answer, and its error if it is one.
    pub(crate) async fn answer(&mut self) -> (String, Option<String>) {
        let message = self.next().await;
        assert_eq!(message["type"], 3, "{message}");
        let id = message["invocationId"].as_str().unwrap().to_owned();
        (id, message["error"].as_str().map(str::to_owned))
    }

    /// The ids of so many answers, which are no errors.
    pub(crate) async fn answers(&mut self, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for _ in 0..count {
            let (id, error) = self.answer().await;
            assert_eq!(error, None);
            ids.push(id);
        }
        ids
    }
}
