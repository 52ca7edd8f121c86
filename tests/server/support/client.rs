//! A client that keeps to the rules, over a WebSocket library that is not the server's.

use std::collections::VecDeque;

use futures_util::{SinkExt, StreamExt};
use mesahub::hub::ConnectionId;
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::deadline::within;
use super::request::Request;
use super::server::Server;

/// A connected client.
pub(crate) struct Client {
    pub(crate) id: ConnectionId,
    socket: WebSocketStream<TcpStream>,
    waiting: VecDeque<String>,
    calls: u64,
}

/// What comes to a client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// A hub message, without its end mark.
    Message(String),
    /// The server's Close frame with its status.
    Closed(u16),
    /// The end of the stream without a Close frame.
    Lost,
}

const PING: &str = "{\"type\":6}";

impl Client {
    /// Connects to a server that lets everybody in.
    pub(crate) async fn connect(server: &Server) -> Self {
        Self::connect_as(server, None).await
    }

    /// Connects with a token.
    pub(crate) async fn connect_as(server: &Server, token: Option<&str>) -> Self {
        Self::connect_on(server, TcpSocket::new_v4().unwrap(), token).await
    }

    /// Connects with so small a receive buffer that it is soon full.
    pub(crate) async fn connect_narrow(server: &Server) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4 * 1024).unwrap();
        Self::connect_on(server, socket, None).await
    }

    async fn connect_on(server: &Server, socket: TcpSocket, token: Option<&str>) -> Self {
        let mut negotiate = Request::negotiate("?negotiateVersion=1");
        if let Some(token) = token {
            negotiate = negotiate.bearer(token);
        }
        let negotiated = negotiate.send(server).await;
        assert_eq!(negotiated.status, 200, "{}", negotiated.body);
        let negotiated = negotiated.json();
        let mut address = format!(
            "ws://{}/hub?id={}",
            server.address,
            negotiated["connectionToken"].as_str().unwrap()
        );
        if let Some(token) = token {
            address.push_str("&access_token=");
            address.push_str(token);
        }
        let stream = socket.connect(server.address).await.unwrap();
        let opening = within("the upgrade", client_async(address, stream));
        let (socket, _) = opening.await.unwrap();
        let mut client = Self {
            id: negotiated["connectionId"]
                .as_str()
                .unwrap()
                .parse()
                .unwrap(),
            socket,
            waiting: VecDeque::new(),
            calls: 0,
        };
        client.send("{\"protocol\":\"json\",\"version\":1}").await;
        assert_eq!(client.message().await, "{}");
        client
    }

    /// Sends one hub message; its end mark is added.
    pub(crate) async fn send(&mut self, message: &str) {
        let text = Message::text(format!("{message}\u{1e}"));
        within("room to send", self.socket.send(text))
            .await
            .unwrap();
    }

    /// Starts a call; its id is the text of the number returned.
    pub(crate) async fn begin(&mut self, target: &str, arguments: Value) -> u64 {
        self.calls += 1;
        let call = json!({
            "arguments": arguments,
            "invocationId": self.calls.to_string(),
            "target": target,
            "type": 1,
        });
        self.send(&call.to_string()).await;
        self.calls
    }

    /// Calls a method and waits for its completion; what else arrives is kept for later.
    pub(crate) async fn call(&mut self, target: &str, arguments: Value) -> Value {
        let begins = format!(
            "{{\"type\":3,\"invocationId\":\"{}\"",
            self.begin(target, arguments).await
        );
        let mut aside = VecDeque::new();
        let completion = loop {
            let message = self.message().await;
            if message.starts_with(&begins) {
                break message;
            }
            aside.push_back(message);
        };
        aside.append(&mut self.waiting);
        self.waiting = aside;
        let completion: Value = serde_json::from_str(&completion).unwrap();
        assert_eq!(completion.get("error"), None, "{target}");
        completion["result"].clone()
    }

    /// Joins groups.
    pub(crate) async fn join(&mut self, groups: &[&str]) {
        for group in groups {
            assert_eq!(self.call("Join", json!([group])).await, Value::Null);
        }
    }

    /// What comes next, keep-alive messages included.
    pub(crate) async fn receive_any(&mut self) -> Incoming {
        loop {
            if let Some(message) = self.waiting.pop_front() {
                return Incoming::Message(message);
            }
            match within("the server to send", self.socket.next()).await {
                Some(Ok(Message::Text(text))) => {
                    let text = text
                        .as_str()
                        .strip_suffix('\u{1e}')
                        .expect("whole messages");
                    self.waiting.extend(text.split('\u{1e}').map(str::to_owned));
                }
                Some(Ok(Message::Close(frame))) => {
                    return Incoming::Closed(frame.expect("a status").code.into());
                }
                Some(Ok(other)) => panic!("unexpected: {other:?}"),
                Some(Err(_)) | None => return Incoming::Lost,
            }
        }
    }

    /// What comes next, without keep-alive messages.
    pub(crate) async fn receive(&mut self) -> Incoming {
        loop {
            let incoming = self.receive_any().await;
            if incoming != Incoming::Message(PING.to_owned()) {
                return incoming;
            }
        }
    }

    /// The next hub message.
    pub(crate) async fn message(&mut self) -> String {
        match self.receive().await {
            Incoming::Message(message) => message,
            other => panic!("expected a message, not {other:?}"),
        }
    }

    /// Expects the next message to be a call of `Heard` with this text.
    pub(crate) async fn hears(&mut self, text: &str) {
        let expected = json!([text]);
        assert_eq!(
            self.message().await,
            format!("{{\"type\":1,\"target\":\"Heard\",\"arguments\":{expected}}}")
        );
    }

    /// Expects the server to say this as its last message, and then to close in an orderly way.
    pub(crate) async fn is_sent_away_with(&mut self, last: &str) {
        assert_eq!(self.message().await, last);
        assert_eq!(self.receive().await, Incoming::Closed(1000));
        assert_eq!(self.receive().await, Incoming::Lost);
    }
}
