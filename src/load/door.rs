//! From an address to a WebSocket: negotiation and the upgrade.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, UPGRADE};
use http::{Request, StatusCode, request};
use http_body_util::Full;
use mesahub_protocol::{NegotiateResponse, Protocol, TransportKind};
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::answer::answer;
use super::refusal::{Refusal, retry_after};
use super::wire::{Dial, Wire};

/// Bytes that a socket reads at once: small, since there are thousands.
const READ_BUFFER: usize = 2 * 1024;

/// A connected WebSocket.
pub(super) type Socket = WebSocketStream<Wire>;

/// The way in, the same for all clients.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) dial: Dial,
    pub(super) negotiate: bool,
    pub(super) protocol: Protocol,
}

impl Door {
    /// Goes in, with a token or without.
    pub(super) async fn enter(&self, token: Option<&str>) -> Result<Socket, Refusal> {
        let address = self.dial.address();
        let path = match self.negotiate {
            true => format!("{}?id={}", address.path(), self.ticket(token).await?),
            false => address.path().to_owned(),
        };
        let request = self
            .request(token)
            .method("GET")
            .uri(format!("ws://{}{path}", address.authority()))
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", generate_key())
            .body(())?;
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
        let wire = self.dial.connect().await?;
        let (socket, _) = client_async_with_config(request, wire, Some(config)).await?;
        Ok(socket)
    }

    /// Negotiates for what stands in the URL of the WebSocket.
    async fn ticket(&self, token: Option<&str>) -> Result<String, Refusal> {
        let path = self.dial.address().path();
        let request = self
            .request(token)
            .method("POST")
            .uri(format!("{path}/negotiate?negotiateVersion=1"))
            .header(CONNECTION, "close")
            .header(CONTENT_LENGTH, 0)
            .body(Full::<Bytes>::default())?;
        let (head, body) = answer(self.dial.connect().await?, request).await?;
        if head.status != StatusCode::OK {
            return Err(Refusal::Status {
                asked: "negotiation",
                status: head.status,
                retry_after: retry_after(&head.headers),
            });
        }
        let negotiated: NegotiateResponse = serde_json::from_slice(&body)
            .map_err(|error| Refusal::Negotiation(error.to_string()))?;
        if negotiated.url.is_some() {
            return Err(Refusal::Negotiation(
                "the server sends clients elsewhere, which is not followed".to_owned(),
            ));
        }
        let mut transports = negotiated.available_transports.iter();
        if !transports.any(|offer| offer.transport == TransportKind::WebSockets) {
            return Err(Refusal::Negotiation("no WebSockets on offer".to_owned()));
        }
        let ticket = negotiated.connection_token.or(negotiated.connection_id);
        ticket.ok_or_else(|| Refusal::Negotiation("no connection in the answer".to_owned()))
    }

    fn request(&self, token: Option<&str>) -> request::Builder {
        let request = Request::builder().header(HOST, self.dial.address().authority());
        match token {
            Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }
}
