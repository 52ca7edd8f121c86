//! People who behave, to whom nothing may happen.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};
use uuid::Uuid;

use crate::house::House;
use crate::token::{self, KEY_ID};
use crate::wire::HUB;

/// Longer than anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Two people of a kitchen, and the till that sends them orders.
pub(crate) struct Honest {
    /// With a token by the secret of the house.
    cook: Client,
    /// With one by the published key.
    waiter: Client,
    till: reqwest::Client,
}

/// A connection that hears everything that the admins of a tenant do.
pub(crate) struct Client {
    socket: WebSocketStream<TcpStream>,
}

impl Honest {
    pub(crate) async fn connect(house: &House) -> Self {
        let claims = token::claims();
        let published = token::of_pair(&house.curve, Some(KEY_ID), &claims);
        Self {
            cook: Client::connect(house.address, &token::signed(&claims)).await,
            waiter: Client::connect(house.address, &published).await,
            till: reqwest::Client::new(),
        }
    }

    /// An order is published, and both hear it and nothing before it.
    pub(crate) async fn are_served(&mut self, house: &House, after: &str) {
        let order = Uuid::new_v4().to_string();
        let body = json!({
            "type": "NewOrder", "tenantKey": "mesa", "orderId": order, "tableNumber": "12",
            "order": {},
        });
        let token = token::of_pair(&house.rsa, None, &token::service());
        let url = format!("http://{}/api/v1/notifications", house.address);
        let sent = self.till.post(url).bearer_auth(token).json(&body).send();
        let answer = timeout(PATIENCE, sent).await.unwrap().unwrap();
        assert_eq!(answer.status().as_u16(), 202, "after {after}");
        for client in [&mut self.cook, &mut self.waiter] {
            let heard = client.next().await;
            assert_eq!(heard["target"], "NewOrder", "after {after}");
            let data = &heard["arguments"][0]["data"];
            assert_eq!(data["orderId"], order, "after {after}");
        }
    }
}

impl Client {
    /// Connects without negotiation and shakes hands.
    pub(crate) async fn connect(address: SocketAddr, token: &str) -> Self {
        let url = format!("ws://{address}{HUB}?access_token={token}");
        let stream = TcpStream::connect(address).await.unwrap();
        let (socket, _) = client_async(url, stream).await.unwrap();
        let mut client = Self { socket };
        client.send("{\"protocol\":\"json\",\"version\":1}").await;
        assert_eq!(client.next().await, json!({}));
        // An answer to a call shows that it has joined its channels.
        client
            .send("{\"type\":1,\"invocationId\":\"1\",\"target\":\"Ping\",\"arguments\":[]}")
            .await;
        assert_eq!(client.next().await["invocationId"], "1");
        client
    }

    async fn send(&mut self, message: &str) {
        let message = Message::text(format!("{message}\u{1e}"));
        self.socket.send(message).await.unwrap();
    }

    /// The next message that is no ping.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            let next = timeout(PATIENCE, self.socket.next()).await;
            let text = match next.expect("a message in time") {
                Some(Ok(Message::Text(text))) => text,
                other => panic!("an honest client has lost its connection: {other:?}"),
            };
            let mut messages = text.trim_end_matches('\u{1e}').split('\u{1e}');
            let message = messages.next().unwrap();
            assert_eq!(messages.next(), None, "one message at a time");
            let message: Value = serde_json::from_str(message).unwrap();
            if message["type"] != 6 {
                return message;
            }
        }
    }
}
