//! A hub client over long polling, one request at a time.

use std::net::SocketAddr;

use serde_json::Value;

use super::exchange::{Answer, Exchange};
use super::request::Request;
use super::server::Server;

/// The handshake of a JSON client.
pub(crate) const SHAKE: &str = "{\"protocol\":\"json\",\"version\":1}\u{1e}";

/// A client between two polls.
pub(crate) struct Polled {
    pub(crate) token: String,
    address: SocketAddr,
    bearer: Option<String>,
}

/// An invocation of a method, framed.
pub(crate) fn invoke(id: &str, target: &str, arguments: &Value) -> String {
    let call = serde_json::json!({
        "type": 1, "invocationId": id, "target": target, "arguments": arguments,
    });
    format!("{call}\u{1e}")
}

impl Polled {
    /// Negotiates and makes the first poll.
    pub(crate) async fn attach(server: &Server, bearer: Option<&str>) -> Self {
        let token = match bearer {
            Some(bearer) => server.token_for(bearer).await,
            None => server.token().await,
        };
        let client = Self {
            token,
            address: server.address,
            bearer: bearer.map(str::to_owned),
        };
        let first = client.poll().await;
        assert_eq!((first.status, first.text()), (200, ""));
        client
    }

    /// Attaches and shakes hands.
    pub(crate) async fn connect(server: &Server) -> Self {
        Self::attach(server, None).await.shake().await
    }

    /// Attaches and shakes hands as somebody.
    pub(crate) async fn connect_as(server: &Server, bearer: &str) -> Self {
        Self::attach(server, Some(bearer)).await.shake().await
    }

    /// Polls and waits for the answer.
    pub(crate) async fn poll(&self) -> Answer {
        self.open_poll().await.answer().await
    }

    /// Polls without waiting.
    pub(crate) async fn open_poll(&self) -> Exchange {
        self.signed(Request::poll(&self.token))
            .open(self.address)
            .await
    }

    /// Sends bytes, which must be taken.
    pub(crate) async fn post(&self, body: impl Into<Vec<u8>>) {
        let answer = self.try_post(body).await;
        answer.is_plain(200, "");
    }

    pub(crate) async fn try_post(&self, body: impl Into<Vec<u8>>) -> Answer {
        let request = self.signed(Request::post(&self.token, body));
        request.send(self.address).await
    }

    pub(crate) async fn delete(&self) -> Answer {
        self.signed(Request::delete(&self.token))
            .send(self.address)
            .await
    }

    /// Polls until something comes.
    pub(crate) async fn receive(&self) -> String {
        let answer = self.poll().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.is_uncached();
        answer.text().to_owned()
    }

    fn signed(&self, request: Request) -> Request {
        match &self.bearer {
            Some(bearer) => request.bearer(bearer),
            None => request,
        }
    }

    async fn shake(self) -> Self {
        self.post(SHAKE).await;
        assert_eq!(self.receive().await, "{}\u{1e}");
        self
    }
}
