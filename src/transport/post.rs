//! `POST {hub}`: a client's bytes where its transport carries none.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt};
use http::StatusCode;
use tokio::time::{Instant, Sleep, sleep};
use warp::reply::Response;

use crate::transport::incoming::NotTaken;
use crate::transport::pipe::Pipe;
use crate::transport::refusal::plain;

/// The body of a request, as it arrives.
pub(crate) type Body = BoxStream<'static, Result<Bytes, warp::Error>>;

/// A body that is waited for only so long. The time in which nobody asks for more does not count.
struct Patient<B> {
    body: B,
    left: Duration,
    /// Since when more is waited for, and until when.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

/// Why a body has no more bytes, though it has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stopped {
    BrokenOff,
    TooSlow,
}

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
    let mut is_too_slow = false;
    let patient = Patient::new(body, pipe.body_timeout());
    let body = patient.inspect(|chunk| is_too_slow = *chunk == Err(Stopped::TooSlow));
    let taken = pipe.incoming().take(body).await;
    let status = match taken {
        Ok(()) => StatusCode::OK,
        Err(NotTaken::Over) => StatusCode::NOT_FOUND,
        Err(NotTaken::BrokenOff) if is_too_slow => StatusCode::REQUEST_TIMEOUT,
        Err(NotTaken::BrokenOff) => StatusCode::BAD_REQUEST,
    };
    plain(status, "")
}

impl<B> Patient<B> {
    fn new(body: B, patience: Duration) -> Self {
        Self {
            body,
            left: patience,
            waiting: None,
        }
    }
}

impl<B, E> Stream for Patient<B>
where
    B: Stream<Item = Result<Bytes, E>> + Unpin,
{
    type Item = Result<Bytes, Stopped>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Poll::Ready(next) = self.body.poll_next_unpin(context) {
            if let Some((since, _)) = self.waiting.take() {
                self.left = self.left.saturating_sub(since.elapsed());
            }
            return Poll::Ready(next.map(|chunk| chunk.map_err(|_| Stopped::BrokenOff)));
        }
        let left = self.left;
        let waiting = &mut self.waiting;
        let (_, end) = waiting.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(left))));
        end.as_mut()
            .poll(context)
            .map(|()| Some(Err(Stopped::TooSlow)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use futures_util::stream;
    use tokio::sync::mpsc;
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_body_is_waited_for_so_long_and_no_longer() {
        let (sender, mut receiver) = mpsc::channel::<Result<Bytes, ()>>(1);
        let chunks = stream::poll_fn(move |context| receiver.poll_recv(context));
        let mut body = Patient::new(chunks, 10 * SECOND);
        for _ in 0..3 {
            // Nobody asks for more in this time.
            advance(60 * SECOND).await;
            let sending = async {
                advance(3 * SECOND).await;
                sender.send(Ok(Bytes::from_static(b"a"))).await.unwrap();
            };
            let (next, ()) = tokio::join!(body.next(), sending);
            assert_eq!(next, Some(Ok(Bytes::from_static(b"a"))));
        }
        let begin = Instant::now();
        assert_eq!(body.next().await, Some(Err(Stopped::TooSlow)));
        assert_eq!(begin.elapsed(), SECOND);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_told_from_a_slow_one() {
        let mut body = Patient::new(stream::iter([Err::<Bytes, _>(())]), SECOND);
        assert_eq!(body.next().await, Some(Err(Stopped::BrokenOff)));
    }
}
