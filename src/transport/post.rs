//! `POST {hub}`: a client's bytes where its transport carries none.

use bytes::{Buf, Bytes};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt};
use http::StatusCode;
use warp::reply::Response;

use crate::transport::incoming::NotTaken;
use crate::transport::pipe::Pipe;
use crate::transport::refusal::plain;

/// The body of a request, as it arrives.
pub(crate) type Body = BoxStream<'static, Result<Bytes, warp::Error>>;

/// A request's body as bytes.
pub(crate) fn body<B: Buf>(
    stream: impl Stream<Item = Result<B, warp::Error>> + Send + 'static,
) -> Body {
    stream
        .map(|chunk| chunk.map(|mut chunk| chunk.copy_to_bytes(chunk.remaining())))
        .boxed()
}

/// Queues a body for the connection. The answer means queued, not processed.
pub(crate) async fn respond(pipe: &Pipe, body: Body) -> Response {
    let status = match pipe.incoming().take(body).await {
        Ok(()) => StatusCode::OK,
        Err(NotTaken::Over) => StatusCode::NOT_FOUND,
        Err(NotTaken::BrokenOff) => StatusCode::BAD_REQUEST,
    };
    plain(status, "")
}
