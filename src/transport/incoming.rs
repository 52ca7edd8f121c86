//! What a client sends in requests, on its way to the connection that reads it.

use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use parking_lot::Mutex;

/// A bounded queue of bytes. Over the bound whoever writes waits until all has been read.
pub(crate) struct Incoming {
    limit: usize,
    /// Held by the request that is writing; the others wait in the order of their arrival.
    turn: tokio::sync::Mutex<()>,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    bytes: Vec<u8>,
    /// The client is gone: nothing follows what is queued.
    ended: bool,
    /// The server reads no more.
    refused: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// Why a request's bytes were not taken, or not all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// The connection is over.
    Over,
    /// The request broke off.
    BrokenOff,
}

impl Incoming {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            turn: tokio::sync::Mutex::new(()),
            queue: Mutex::default(),
        }
    }

    /// Takes the body of one request, after those that came before it, and gives up when the
    /// connection ends. Dropping the future leaves queued what has been taken so far.
    pub(crate) async fn take<E>(
        &self,
        mut body: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<(), NotTaken> {
        let _turn = self.turn.lock().await;
        loop {
            let next = poll_fn(|context| {
                // A body that never ends is not waited for longer than there is a reader.
                self.poll_open(context)?;
                body.poll_next_unpin(context).map(Ok)
            });
            let Some(chunk) = next.await? else {
                return Ok(());
            };
            let mut chunk = chunk.map_err(|_| NotTaken::BrokenOff)?;
            poll_fn(|context| self.poll_write(context, &mut chunk)).await?;
        }
    }

    /// The bytes that came next, or `None` when the client is gone and all has been read.
    pub(crate) fn poll_read(&self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut queue = self.queue.lock();
        if queue.bytes.is_empty() {
            if queue.ended {
                return Poll::Ready(None);
            }
            queue.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        let bytes = std::mem::take(&mut queue.bytes);
        let writer = queue.writer.take();
        drop(queue);
        wake(writer);
        Poll::Ready(Some(bytes.into()))
    }

    /// The client is gone. What it has sent before can still be read.
    pub(crate) fn end(&self) {
        let mut queue = self.queue.lock();
        queue.ended = true;
        let (reader, writer) = (queue.reader.take(), queue.writer.take());
        drop(queue);
        wake(reader);
        wake(writer);
    }

    /// The server reads no more: what is queued is dropped and nothing else is taken.
    pub(crate) fn refuse(&self) {
        let mut queue = self.queue.lock();
        queue.refused = true;
        queue.bytes = Vec::new();
        let writer = queue.writer.take();
        drop(queue);
        wake(writer);
    }

    /// Registers the writer for the end, which it may be already.
    fn poll_open(&self, context: &Context<'_>) -> Result<(), NotTaken> {
        let mut queue = self.queue.lock();
        if !queue.is_open() {
            return Err(NotTaken::Over);
        }
        queue.writer = Some(context.waker().clone());
        Ok(())
    }

    fn poll_write(&self, context: &Context<'_>, chunk: &mut Bytes) -> Poll<Result<(), NotTaken>> {
        let mut queue = self.queue.lock();
        if !queue.is_open() {
            return Poll::Ready(Err(NotTaken::Over));
        }
        let room = self.limit - queue.bytes.len();
        let part = chunk.split_to(chunk.len().min(room));
        queue.bytes.extend_from_slice(&part);
        let done = if chunk.is_empty() {
            Poll::Ready(Ok(()))
        } else {
            queue.writer = Some(context.waker().clone());
            Poll::Pending
        };
        let reader = queue.reader.take();
        drop(queue);
        wake(reader);
        done
    }
}

impl Queue {
    fn is_open(&self) -> bool {
        !self.ended && !self.refused
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::convert::Infallible;
    use std::future::poll_fn;
    use std::task::{Context, Poll, Waker};

    use bytes::Bytes;
    use futures_util::{FutureExt, stream};

    use super::{Incoming, NotTaken};

    fn body(parts: &[&'static str]) -> stream::Iter<std::vec::IntoIter<Result<Bytes, Infallible>>> {
        let parts: Vec<_> = parts.iter().map(|part| Ok(Bytes::from(*part))).collect();
        stream::iter(parts)
    }

    async fn read(incoming: &Incoming) -> Option<Bytes> {
        poll_fn(|context| incoming.poll_read(context)).await
    }

    #[tokio::test]
    async fn a_writer_waits_while_the_queue_is_full_and_loses_nothing() {
        let incoming = Incoming::new(4);
        let mut writing = Box::pin(incoming.take(body(&["abc", "defghi"])));
        assert_eq!(writing.as_mut().now_or_never(), None);
        assert_eq!(read(&incoming).await.unwrap(), "abcd");
        assert_eq!(writing.as_mut().now_or_never(), None);
        assert_eq!(read(&incoming).await.unwrap(), "efgh");
        assert_eq!(writing.now_or_never(), Some(Ok(())));
        assert_eq!(read(&incoming).await.unwrap(), "i");
    }

    #[tokio::test]
    async fn requests_write_one_after_the_other_in_the_order_of_their_arrival() {
        let incoming = Incoming::new(2);
        let mut first = Box::pin(incoming.take(body(&["aaaa"])));
        let mut second = Box::pin(incoming.take(body(&["b"])));
        assert_eq!(first.as_mut().now_or_never(), None);
        assert_eq!(second.as_mut().now_or_never(), None);
        assert_eq!(read(&incoming).await.unwrap(), "aa");
        assert_eq!(second.as_mut().now_or_never(), None);
        assert_eq!(first.now_or_never(), Some(Ok(())));
        assert_eq!(read(&incoming).await.unwrap(), "aa");
        assert_eq!(second.now_or_never(), Some(Ok(())));
        assert_eq!(read(&incoming).await.unwrap(), "b");
    }

    #[tokio::test]
    async fn what_came_before_the_end_is_read_before_the_end() {
        let incoming = Incoming::new(100);
        incoming.take(body(&["last words"])).await.unwrap();
        incoming.end();
        assert_eq!(read(&incoming).await.unwrap(), "last words");
        assert_eq!(read(&incoming).await, None);
        assert_eq!(incoming.take(body(&["late"])).await, Err(NotTaken::Over));
    }

    #[tokio::test]
    async fn a_writer_that_waits_is_told_when_nobody_reads_any_more() {
        let incoming = Incoming::new(1);
        let mut writing = Box::pin(incoming.take(body(&["ab"])));
        assert_eq!(writing.as_mut().now_or_never(), None);
        incoming.refuse();
        assert_eq!(writing.now_or_never(), Some(Err(NotTaken::Over)));
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(incoming.poll_read(&mut context), Poll::Pending);
    }

    #[tokio::test]
    async fn a_body_that_never_ends_is_let_go_when_nobody_reads_any_more() {
        for end in [Incoming::refuse, Incoming::end] {
            let incoming = Incoming::new(100);
            let endless = stream::pending::<Result<Bytes, Infallible>>();
            let writing = incoming.take(endless);
            let ending = async {
                // Polled second: the writer waits by now.
                end(&incoming);
            };
            let (written, ()) = tokio::join!(writing, ending);
            assert_eq!(written, Err(NotTaken::Over));
        }
    }

    #[tokio::test]
    async fn a_request_that_breaks_off_says_so() {
        let incoming = Incoming::new(100);
        let broken = stream::iter([Ok(Bytes::from("a")), Err("gone")]);
        assert_eq!(incoming.take(broken).await, Err(NotTaken::BrokenOff));
    }
}
