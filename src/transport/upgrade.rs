//! Taking over a connection for WebSockets, one level below warp's own filter.
//!
//! warp's filter fixes a large read buffer per socket. Here the handshake of RFC 6455 is answered
//! by us, and the bare socket is taken back from hyper.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tungstenite::handshake::derive_accept_key;
use warp::reply::Response;

use crate::connection::serve::Guest;
use crate::transport::application::Application;
use crate::transport::options::TransportOptions;
use crate::transport::refusal::plain;
use crate::transport::socket::Socket;
use crate::transport::stateful::{Sending, StatefulLink};
use crate::transport::tokens::Attachment;
use crate::transport::websocket::WebSocketLink;

/// The one version of RFC 6455.
const VERSION: HeaderValue = HeaderValue::from_static("13");

/// Whether a request asks for a WebSocket.
pub(crate) fn is_asked_for(headers: &HeaderMap) -> bool {
    lists(headers, &CONNECTION, "upgrade") && lists(headers, &UPGRADE, "websocket")
}

/// The 101 answer, or the refusal of an unusable request. No subprotocol and no extension is ever
/// chosen.
pub(crate) fn accept(headers: &HeaderMap) -> Result<Response, Box<Response>> {
    if headers.get(SEC_WEBSOCKET_VERSION) != Some(&VERSION) {
        let mut refusal = plain(
            StatusCode::UPGRADE_REQUIRED,
            "WebSocket version 13 is required",
        );
        refusal.headers_mut().insert(SEC_WEBSOCKET_VERSION, VERSION);
        return Err(Box::new(refusal));
    }
    let Some(key) = headers.get(SEC_WEBSOCKET_KEY) else {
        let refusal = plain(StatusCode::BAD_REQUEST, "Sec-WebSocket-Key is missing");
        return Err(Box::new(refusal));
    };
    let mut response = Response::default();
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let answer = response.headers_mut();
    answer.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    answer.insert(UPGRADE, HeaderValue::from_static("websocket"));
    let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes()));
    answer.insert(
        SEC_WEBSOCKET_ACCEPT,
        accept.expect("base64 is a valid header value"),
    );
    Ok(response)
}

/// A WebSocket that is being opened.
pub(crate) struct Opening {
    pub(crate) upgrade: OnUpgrade,
    /// The largest message of the client in bytes, if there is a bound.
    pub(crate) limit: Option<usize>,
    pub(crate) options: TransportOptions,
}

impl Opening {
    /// Waits for the switch of protocols and starts the task that serves the connection to its
    /// end: a task of its own, so that what only the upgrade needs is given back then.
    pub(crate) async fn start(
        self,
        application: Application,
        guest: Guest,
        stateful: Option<Arc<Sending>>,
        attachment: Attachment,
    ) {
        let (limit, patience) = (self.limit, self.options.disconnect_timeout);
        let Some(link) = self.open().await else {
            return;
        };
        match stateful {
            None => application.start(guest, link, attachment),
            Some(sending) => {
                let link = StatefulLink::new(sending, link, limit, patience);
                application.start(guest, link, attachment);
            }
        }
    }

    /// Waits for the switch of protocols and hands the socket to a connection that has lost its
    /// own, or is about to find that it has.
    pub(crate) async fn hand_over(self, sending: Arc<Sending>) {
        if let Some(link) = self.open().await
            && !sending.hand_over(link)
        {
            tracing::debug!("the connection ended before its next socket was open");
        }
    }

    async fn open(self) -> Option<WebSocketLink> {
        match self.upgrade.await {
            Ok(upgraded) => {
                let (socket, already_read) = take_socket(upgraded);
                Some(WebSocketLink::new(socket, already_read, &self.options))
            }
            Err(error) => {
                tracing::debug!(%error, "the client left before its WebSocket was open");
                None
            }
        }
    }
}

/// The bare socket where there is one, whichever server accepted it, else the stream as it is.
fn take_socket(upgraded: Upgraded) -> (Socket, Bytes) {
    let upgraded = match auto::upgrade::downcast::<TokioIo<TcpStream>>(upgraded) {
        Ok(parts) => return (Socket::tcp(parts.io.into_inner()), parts.read_buf),
        Err(upgraded) => upgraded,
    };
    match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => (Socket::tcp(parts.io.into_inner()), parts.read_buf),
        Err(upgraded) => (Socket::stream(TokioIo::new(upgraded)), Bytes::new()),
    }
}

fn lists(headers: &HeaderMap, name: &http::HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(token))
}
