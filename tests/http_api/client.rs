//! A client that is connected to the hub.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use mesahub::auth::Role;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::server::{Server, person_token};

/// A connected client.
pub(crate) struct Client {
    pub(crate) id: String,
    socket: WebSocketStream<TcpStream>,
}

impl Client {
    pub(crate) async fn connect(server: &Server, tenant: &str, user: &str, role: Role) -> Self {
        Self::with_token(server, &person_token(tenant, user, role)).await
    }

    pub(crate) async fn with_token(server: &Server, token: &str) -> Self {
        let negotiate = format!("http://{}/hub/negotiate?negotiateVersion=1", server.address);
        let negotiated = reqwest::Client::new()
            .post(negotiate)
            .bearer_auth(token)
            .send()
            .await;
        let negotiated: Value = negotiated.unwrap().json().await.unwrap();
        let secret = negotiated["connectionToken"].as_str().unwrap();
        let address = format!(
            "ws://{}/hub?id={secret}&access_token={token}",
            server.address
        );
        let stream = TcpStream::connect(server.address).await.unwrap();
        let (socket, _) = client_async(address, stream).await.unwrap();
        let id = negotiated["connectionId"].as_str().unwrap().to_owned();
        let mut client = Self { id, socket };
        client.send("{\"protocol\":\"json\",\"version\":1}").await;
        assert_eq!(client.text().await.unwrap(), "{}");
        // An answer to a call shows that the connect handler is done.
        client
            .send("{\"type\":1,\"invocationId\":\"1\",\"target\":\"Ping\",\"arguments\":[]}")
            .await;
        assert!(
            client
                .text()
                .await
                .unwrap()
                .contains("\"invocationId\":\"1\"")
        );
        client
    }

    pub(crate) async fn send(&mut self, message: &str) {
        self.socket
            .send(Message::text(format!("{message}\u{1e}")))
            .await
            .unwrap();
    }

    /// The next hub message that is no ping; `None` at the end.
    pub(crate) async fn text(&mut self) -> Option<String> {
        loop {
            let next = timeout(Duration::from_secs(10), self.socket.next())
                .await
                .expect("in time");
            match next {
                Some(Ok(Message::Text(text))) if text.as_str() == "{\"type\":6}\u{1e}" => {}
                Some(Ok(Message::Text(text))) => {
                    return Some(text.trim_end_matches('\u{1e}').into());
                }
                _ => return None,
            }
        }
    }
}
