//! Streams from the server to a client.
//!
//! Items that are ready together leave in one write. A stream is polled no further while more waits
//! for the client than its transport takes at once.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use mesahub_protocol::encode_stream_item;

use crate::hub::connection::Connection;
use crate::hub::dispatch::panicked;
use crate::hub::error::HubError;
use crate::hub::frame::frame;
use crate::hub::outbox::Accepted;
use crate::hub::reply::{Answer, IntoItem, ReplyTo};

/// Items taken from a stream before other tasks get a turn.
const TURN: usize = 128;

/// The text of a stream that fails on its way, before any detail.
const FAILED: &str = "An error occurred on the server while streaming results.";

/// How far one turn got.
enum Turn {
    /// Everything that was ready has been handed over.
    Paused,
    /// The stream is at its end.
    Ended,
}

/// Sends every item until the stream ends, fails, is cancelled or its connection goes. The answer
/// is the completion.
pub(crate) async fn send_all<S, M>(stream: S, to: &ReplyTo) -> Answer
where
    S: Stream<Item: IntoItem<M>> + Send,
{
    let (Some(connection), Some(id)) = (&to.connection, &to.invocation_id) else {
        return Answer::default();
    };
    let cancelled = to.cancelled.clone().unwrap_or_default();
    let mut stream = pin!(stream);
    let mut late = None;
    loop {
        let turn = tokio::select! {
            biased;
            () = cancelled.cancelled() => return to.void(),
            turn = poll_fn(|context| {
                take_ready(stream.as_mut(), &mut late, to, connection, id, context)
            }) => turn,
        };
        connection.flush();
        match turn {
            Ok(Turn::Ended) => return to.void(),
            Ok(Turn::Paused) => {}
            Err(error) => {
                tracing::debug!(connection = %connection.id(), %error, "a stream failed");
                return to.error(&error.told(FAILED, to.detailed));
            }
        }
        tokio::task::yield_now().await;
    }
}

/// Hands over items while they are ready and there is room for them. Of several streams that have
/// waited for room together, only the first may find any, and a large item may need more than
/// there is: it stays in `late`, and is the next.
fn take_ready<S, M>(
    mut stream: Pin<&mut S>,
    late: &mut Option<Bytes>,
    to: &ReplyTo,
    connection: &Connection,
    id: &str,
    context: &mut Context<'_>,
) -> Poll<Result<Turn, HubError>>
where
    S: Stream<Item: IntoItem<M>>,
{
    ready!(connection.outbox().poll_room(context));
    if !connection.outbox().is_open() {
        // The cancellation is on its way.
        return Poll::Pending;
    }
    for taken in 0..TURN {
        let bytes = match late.take() {
            Some(bytes) => bytes,
            None => match next_frame(stream.as_mut(), to, connection, id, context)? {
                Poll::Ready(Some(bytes)) => bytes,
                Poll::Ready(None) => return Poll::Ready(Ok(Turn::Ended)),
                Poll::Pending if taken == 0 => return Poll::Pending,
                Poll::Pending => break,
            },
        };
        match connection.poll_defer(&bytes, context) {
            Poll::Ready((Accepted::Queued, _)) if connection.has_room() => {}
            Poll::Ready(_) => break,
            Poll::Pending => {
                *late = Some(bytes);
                if taken == 0 {
                    return Poll::Pending;
                }
                break;
            }
        }
    }
    Poll::Ready(Ok(Turn::Paused))
}

/// The next item as it is sent, `None` at the end.
fn next_frame<S, M>(
    stream: Pin<&mut S>,
    to: &ReplyTo,
    connection: &Connection,
    id: &str,
    context: &mut Context<'_>,
) -> Result<Poll<Option<Bytes>>, HubError>
where
    S: Stream<Item: IntoItem<M>>,
{
    let polled = catch_unwind(AssertUnwindSafe(|| stream.poll_next(context)));
    let item = match polled.map_err(|panic| panicked(&*panic))? {
        Poll::Ready(Some(item)) => item.into_item()?,
        Poll::Ready(None) => return Ok(Poll::Ready(None)),
        Poll::Pending => return Ok(Poll::Pending),
    };
    let mut encoded = Ok(());
    let bytes = frame(connection.form(), to.protocol, |out| {
        encoded = encode_stream_item(to.protocol, out, id, &item);
    });
    encoded?;
    Ok(Poll::Ready(Some(bytes)))
}
