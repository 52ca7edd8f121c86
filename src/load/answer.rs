//! One question over HTTP, on a connection of its own.

use std::pin::pin;

use bytes::Bytes;
use http::response::Parts;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;

use super::refusal::Refusal;
use super::wire::Wire;

/// The most bytes of an answer that are read.
const LARGEST: usize = 64 * 1024;

/// Sends a request and reads its answer whole.
pub(super) async fn answer(
    wire: Wire,
    request: Request<Full<Bytes>>,
) -> Result<(Parts, Bytes), Refusal> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(wire)).await?;
    let mut asking = pin!(async move { read(sender.send_request(request).await?).await });
    tokio::select! {
        biased;
        answer = asking.as_mut() => answer,
        // What it has read before it ended is still to be had.
        _ = connection => asking.await,
    }
}

async fn read(response: Response<Incoming>) -> Result<(Parts, Bytes), Refusal> {
    let (parts, body) = response.into_parts();
    let collected = Limited::new(body, LARGEST).collect().await;
    let collected = collected.map_err(|error| Refusal::Negotiation(error.to_string()))?;
    Ok((parts, collected.to_bytes()))
}
