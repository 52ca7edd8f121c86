//! Server-Sent Events: one response that never ends, an event for each chunk of whole messages.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::Stream;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, PRAGMA};
use http::{HeaderMap, HeaderValue};
use warp::reply::{Reply, Response};

use crate::hub::node::Carrying;
use crate::transport::outgoing::Taken;
use crate::transport::pipe::Turn;

/// A comment, sent at once: some browsers take the stream for open only after its first byte.
const COMMENT: Bytes = Bytes::from_static(b":\r\n");

/// The body. Dropping it is how the client leaves.
struct EventStream {
    turn: Turn,
    is_open: bool,
    _carrying: Carrying,
}

/// Whether the client wants events: it must name the media type, and a wildcard is not enough.
pub(crate) fn is_asked_for(headers: &HeaderMap) -> bool {
    headers
        .get_all(http::header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|item| item.split(';').next())
        .any(|media| media.trim().eq_ignore_ascii_case("text/event-stream"))
}

/// The response that carries a connection.
pub(crate) fn respond(turn: Turn, carrying: Carrying) -> Response {
    let stream = EventStream {
        turn,
        is_open: false,
        _carrying: carrying,
    };
    let mut response = warp::reply::stream(stream).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-cache,no-store"),
        (PRAGMA, "no-cache"),
        (CONTENT_ENCODING, "identity"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

impl Stream for EventStream {
    type Item = Result<Bytes, std::convert::Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !self.is_open {
            self.is_open = true;
            return Poll::Ready(Some(Ok(COMMENT)));
        }
        self.turn.poll_take(context).map(|taken| match taken {
            Taken::Bytes(messages) => Some(Ok(event(&messages))),
            Taken::Superseded | Taken::Nothing | Taken::Over => None,
        })
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.turn.pipe().leave();
    }
}

/// One event. Each line of the payload gets a field of its own, and a CR before its end is lost,
/// which does no harm to JSON.
fn event(payload: &[u8]) -> Bytes {
    let mut event = BytesMut::with_capacity(payload.len() + 16);
    for line in payload.split(|byte| *byte == b'\n') {
        event.put_slice(b"data: ");
        event.put_slice(line.strip_suffix(b"\r").unwrap_or(line));
        event.put_slice(b"\r\n");
    }
    event.put_slice(b"\r\n");
    event.freeze()
}

#[cfg(test)]
mod tests {
    use http::header::ACCEPT;
    use http::{HeaderMap, HeaderValue};

    use super::{event, is_asked_for};

    #[test]
    fn every_line_of_a_payload_is_a_field_of_one_event() {
        assert_eq!(event(b"{}\x1e"), &b"data: {}\x1e\r\n\r\n"[..]);
        assert_eq!(
            event(b"a\nb\r\n\nc"),
            &b"data: a\r\ndata: b\r\ndata: \r\ndata: c\r\n\r\n"[..]
        );
    }

    #[test]
    fn only_the_exact_media_type_asks_for_events() {
        for (accept, expected) in [
            ("text/event-stream", true),
            ("Text/Event-Stream; q=0.9", true),
            ("application/json, text/event-stream", true),
            ("*/*", false),
            ("text/*", false),
            ("text/event-stream+x", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(is_asked_for(&headers), expected, "{accept}");
        }
        assert!(!is_asked_for(&HeaderMap::new()));
    }
}
