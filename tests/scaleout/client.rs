//! One SignalR connection over a WebSocket, with a library that is not the server's.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use mesahub::hub::{ConnectionId, LOST};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::fleet::within;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A connected client. Dropping it cuts the socket.
pub(crate) struct Client {
    pub(crate) id: ConnectionId,
    sink: SplitSink<Socket, Message>,
    heard: Arc<Heard>,
    calls: u64,
    _reading: AbortOnDropHandle<()>,
}

/// Messages of a channel may be missing. Whoever is told fetches the state of the channel at once.
#[derive(Clone)]
pub(crate) struct Loss {
    pub(crate) channel: String,
    /// When it was told: whatever had happened by then is known from the state that was fetched.
    pub(crate) at: Instant,
}

/// What has come so far.
#[derive(Default)]
struct Heard {
    messages: Mutex<Messages>,
    more: Notify,
}

#[derive(Default)]
struct Messages {
    /// The argument of every call of a client method but [`LOST`].
    notifications: Vec<Value>,
    losses: Vec<Loss>,
    /// The completions that nobody has taken.
    completions: Vec<Value>,
    closed: bool,
}

impl Client {
    /// Connects and waits until it has been welcomed into its channels.
    pub(crate) async fn connect(server: SocketAddr, token: &str) -> Self {
        let hub = format!("{server}/hubs/notifications");
        let negotiating = reqwest::Client::new()
            .post(format!("http://{hub}/negotiate?negotiateVersion=1"))
            .bearer_auth(token)
            .send();
        let negotiated = within("negotiate", negotiating).await.unwrap();
        let negotiated: Value = negotiated.json().await.unwrap();
        let text = |field: &str| negotiated[field].as_str().expect("negotiated").to_owned();
        let ticket = text("connectionToken");
        let url = format!("ws://{hub}?id={ticket}&access_token={token}");
        let (socket, _) = within("the upgrade", connect_async(url)).await.unwrap();
        let (sink, stream) = socket.split();
        let heard = Arc::<Heard>::default();
        let reading = TaskTracker::new().spawn(read(stream, Arc::clone(&heard)));
        let mut client = Self {
            id: text("connectionId").parse().unwrap(),
            sink,
            heard,
            calls: 0,
            _reading: AbortOnDropHandle::new(reading),
        };
        client.send(r#"{"protocol":"json","version":1}"#).await;
        client.call("Ping", json!([])).await;
        client
    }

    /// Calls a hub method and gives its result; the end must be a good one.
    pub(crate) async fn call(&mut self, method: &str, arguments: Value) -> Value {
        self.calls += 1;
        let id = self.calls.to_string();
        let call = json!({"type": 1, "invocationId": id, "target": method, "arguments": arguments});
        self.send(&call.to_string()).await;
        let completed = self.until(|messages| {
            let mut all = messages.completions.iter();
            let place = all.position(|one| one["invocationId"] == id.as_str())?;
            Some(messages.completions.swap_remove(place))
        });
        let mut completion = within(method, completed).await;
        assert_eq!(completion.get("error"), None, "{method}");
        completion["result"].take()
    }

    /// Waits until something is found in what has come.
    pub(crate) async fn until_heard<T>(&self, mut find: impl FnMut(&[Value]) -> Option<T>) -> T {
        self.until_told(|heard, _| find(heard)).await
    }

    /// The same, where losses count too.
    pub(crate) async fn until_told<T>(
        &self,
        mut find: impl FnMut(&[Value], &[Loss]) -> Option<T>,
    ) -> T {
        self.until(|messages| find(&messages.notifications, &messages.losses))
            .await
    }

    /// All notifications that have come and were not taken, in order.
    pub(crate) fn heard(&self) -> Vec<Value> {
        self.heard.messages.lock().notifications.clone()
    }

    /// All losses that it was told of, in order.
    pub(crate) fn losses(&self) -> Vec<Loss> {
        self.heard.messages.lock().losses.clone()
    }

    /// Takes both.
    pub(crate) fn take_heard(&self) -> (Vec<Value>, Vec<Loss>) {
        let mut messages = self.heard.messages.lock();
        let notifications = std::mem::take(&mut messages.notifications);
        (notifications, std::mem::take(&mut messages.losses))
    }

    /// Says goodbye in the orderly way, and waits for the server's.
    pub(crate) async fn leave(mut self) {
        self.send(r#"{"type":7}"#).await;
        let end = self.until(|messages| messages.closed.then_some(()));
        within("the end", end).await;
    }

    async fn until<T>(&self, mut find: impl FnMut(&mut Messages) -> Option<T>) -> T {
        loop {
            let more = self.heard.more.notified();
            if let Some(found) = find(&mut self.heard.messages.lock()) {
                return found;
            }
            more.await;
        }
    }

    async fn send(&mut self, message: &str) {
        let text = Message::text(format!("{message}\u{1e}"));
        within("room to send", self.sink.send(text)).await.unwrap();
    }
}

async fn read(mut stream: SplitStream<Socket>, heard: Arc<Heard>) {
    while let Some(Ok(message)) = stream.next().await {
        if let Message::Text(text) = message {
            let mut messages = heard.messages.lock();
            for part in text.split_terminator('\u{1e}') {
                let mut message: Value = serde_json::from_str(part).unwrap();
                match message["type"].as_u64() {
                    Some(1) if message["target"] == LOST => {
                        let channel = message["arguments"][0]["channel"].as_str();
                        messages.losses.push(Loss {
                            channel: channel.expect("a channel").to_owned(),
                            at: Instant::now(),
                        });
                    }
                    Some(1) => {
                        let notification = message["arguments"][0].take();
                        messages.notifications.push(notification);
                    }
                    Some(3) => messages.completions.push(message),
                    _ => {}
                }
            }
        }
        heard.more.notify_waiters();
    }
    heard.messages.lock().closed = true;
    heard.more.notify_waiters();
}
