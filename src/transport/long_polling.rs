//! Long polling: a request that waits for messages, is answered with all there are, and returns.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, EXPIRES, PRAGMA};
use http::{HeaderValue, StatusCode};
use warp::reply::{Reply, Response};

use crate::transport::outgoing::{NoTurn, Taken};
use crate::transport::pipe::{Pipe, Turn};
use crate::transport::refusal::plain;

/// The bytes of a body that are handed on at once, so that a client that takes nothing is noticed.
const SLICE: usize = 16 * 1024;

/// The body of a poll. The poll has its turn until all of it is handed on.
struct Delivery {
    turn: Turn,
    rest: Bytes,
}

/// The answer to the first poll of a connection, which carries nothing and never waits.
pub(crate) fn first() -> Response {
    let mut response = Response::default();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, binary());
    headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
    response
}

/// Answers a later poll, when there is something to send or it has waited long enough. Dropping
/// the future is how a client abandons its poll; nothing is lost by it.
pub(crate) async fn respond(pipe: Arc<Pipe>) -> Response {
    let turn = match pipe.turn().await {
        Ok(turn) => turn,
        Err((NoTurn::Busy, _)) => return plain(StatusCode::CONFLICT, ""),
        Err((NoTurn::Over, true)) => return plain(StatusCode::NO_CONTENT, ""),
        Err((NoTurn::Over, false)) => return plain(StatusCode::NOT_FOUND, ""),
    };
    drop(pipe);
    match poll_fn(|context| turn.poll_take(context)).await {
        Taken::Bytes(messages) => deliver(turn, messages),
        Taken::Nothing => {
            let mut response = plain(StatusCode::OK, "");
            response
                .headers_mut()
                .insert(CONTENT_LENGTH, HeaderValue::from(0));
            response
        }
        Taken::Superseded => plain(StatusCode::NO_CONTENT, ""),
        Taken::Over => {
            // The client has been told, and will not come back.
            turn.pipe().leave();
            plain(StatusCode::NO_CONTENT, "")
        }
    }
}

/// Forbids caches to keep an answer to a poll, whatever it says.
pub(crate) fn uncached(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (CACHE_CONTROL, "no-cache, no-store"),
        (PRAGMA, "no-cache"),
        (EXPIRES, "Thu, 01 Jan 1970 00:00:00 GMT"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn deliver(turn: Turn, messages: Bytes) -> Response {
    let length = messages.len();
    let delivery = Delivery {
        turn,
        rest: messages,
    };
    let mut response = warp::reply::stream(delivery).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, binary());
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    response
}

impl Stream for Delivery {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        self.turn.advance();
        let length = self.rest.len().min(SLICE);
        Poll::Ready(Some(Ok(self.rest.split_to(length))))
    }
}

fn binary() -> HeaderValue {
    HeaderValue::from_static("application/octet-stream")
}
