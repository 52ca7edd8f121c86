//! What the server sends, on its way to the requests that take it.
//!
//! ```text
//!               begin                       bytes
//!   Absent ─────────────► Waiting ────────────────────► Delivering
//!     ▲                      │ nothing for too long,        │ the body is written,
//!     └──────────────────────┴─ or the request ended ◄──────┘ or the request ended
//! ```

use std::io::{self, IoSlice};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::time::Instant;

/// A bounded queue of whole messages, and the one request that takes them. A message that finds it
/// full is refused and waits in the outbox.
pub(crate) struct Outgoing {
    limit: usize,
    queue: Mutex<Queue>,
}

struct Queue {
    bytes: Vec<u8>,
    /// Nothing follows what is queued.
    finished: bool,
    /// The client is gone for good; whatever is written vanishes.
    gone: bool,
    taker: Taker,
    /// The request that waits for the present one to write out what it has taken.
    next: Option<(u64, Waker)>,
    /// The last number that was given to a request.
    numbers: u64,
    writer: Option<Waker>,
}

/// The request that takes, by its number.
enum Taker {
    Absent {
        since: Instant,
    },
    Waiting {
        number: u64,
        since: Instant,
        waker: Option<Waker>,
    },
    Delivering {
        number: u64,
        since: Instant,
    },
}

/// What became of asking for bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// All that was queued: one or more whole messages.
    Bytes(Bytes),
    /// A newer request has taken over.
    Superseded,
    /// The request has waited for the whole poll timeout.
    Nothing,
    /// The connection is over.
    Over,
}

/// Why a request may not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoTurn {
    /// Another request waits for its turn already.
    Busy,
    /// The connection is over.
    Over,
}

/// What the taker is doing, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// No request is there.
    Absent(Duration),
    /// One waits for something to take.
    Waiting(Duration),
    /// One writes out what it has taken, without any progress for so long.
    Delivering(Duration),
}

impl Outgoing {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            queue: Mutex::new(Queue {
                bytes: Vec::new(),
                finished: false,
                gone: false,
                taker: Taker::absent(),
                next: None,
                numbers: 0,
                writer: None,
            }),
        }
    }

    /// Takes as many whole buffers as fit, each of which must be a whole message.
    pub(crate) fn write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut queue = self.queue.lock();
        if queue.gone {
            return Ok(buffers.iter().map(|buffer| buffer.len()).sum());
        }
        let mut taken = 0;
        for buffer in buffers {
            if !queue.bytes.is_empty() && queue.bytes.len() + buffer.len() > self.limit {
                break;
            }
            queue.bytes.extend_from_slice(buffer);
            taken += buffer.len();
        }
        if taken == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let waker = queue.taker.waker();
        drop(queue);
        wake(waker);
        Ok(taken)
    }

    /// Waits until the queue is empty, when even the largest message is taken.
    pub(crate) fn poll_room(&self, context: &Context<'_>) -> Poll<()> {
        let mut queue = self.queue.lock();
        if queue.gone || queue.bytes.is_empty() {
            return Poll::Ready(());
        }
        queue.writer = Some(context.waker().clone());
        Poll::Pending
    }

    /// Nothing more will be written. What is queued can still be taken.
    pub(crate) fn finish(&self) {
        let mut queue = self.queue.lock();
        queue.finished = true;
        let waker = queue.taker.waker();
        drop(queue);
        wake(waker);
    }

    /// The client is gone, or is to be gone: what is queued is dropped and every request ends.
    pub(crate) fn leave(&self) {
        let mut queue = self.queue.lock();
        queue.gone = true;
        queue.bytes = Vec::new();
        let wakers = [
            queue.taker.waker(),
            queue.next.take().map(|(_, waker)| waker),
            queue.writer.take(),
        ];
        drop(queue);
        wakers.into_iter().for_each(wake);
    }

    /// Whether all that was ever written has been taken and written out.
    pub(crate) fn is_delivered(&self) -> bool {
        let queue = self.queue.lock();
        queue.gone
            || (queue.finished
                && queue.bytes.is_empty()
                && !matches!(queue.taker, Taker::Delivering { .. }))
    }

    /// A number for a new request, and the clock of absence set back.
    pub(crate) fn number(&self) -> u64 {
        let mut queue = self.queue.lock();
        if matches!(queue.taker, Taker::Absent { .. }) {
            queue.taker = Taker::absent();
        }
        queue.numbers += 1;
        queue.numbers
    }

    /// Gives a request the turn. One that merely waits gives way to it and ends; one that writes
    /// out what it has taken is waited for.
    pub(crate) fn poll_turn(&self, number: u64, context: &Context<'_>) -> Poll<Result<(), NoTurn>> {
        let mut queue = self.queue.lock();
        if queue.gone {
            return Poll::Ready(Err(NoTurn::Over));
        }
        if queue.next.is_some() && !queue.is_next(number) {
            return Poll::Ready(Err(NoTurn::Busy));
        }
        if matches!(queue.taker, Taker::Delivering { .. }) {
            queue.next = Some((number, context.waker().clone()));
            return Poll::Pending;
        }
        queue.next = None;
        let older = queue.taker.waker();
        queue.taker = Taker::waiting(number);
        drop(queue);
        wake(older);
        Poll::Ready(Ok(()))
    }

    /// Ends a wait for the turn.
    pub(crate) fn withdraw(&self, number: u64) {
        let mut queue = self.queue.lock();
        if queue.is_next(number) {
            queue.next = None;
        }
    }

    /// Takes all that is queued, or waits for it, up to `patience` if there is one.
    pub(crate) fn poll_take(
        &self,
        number: u64,
        patience: Option<Duration>,
        context: &Context<'_>,
    ) -> Poll<Taken> {
        let mut queue = self.queue.lock();
        if queue.taker.number() != Some(number) {
            return Poll::Ready(Taken::Superseded);
        }
        if !queue.bytes.is_empty() {
            let bytes = std::mem::take(&mut queue.bytes);
            queue.taker = Taker::delivering(number);
            let writer = queue.writer.take();
            drop(queue);
            wake(writer);
            return Poll::Ready(Taken::Bytes(bytes.into()));
        }
        if queue.gone || queue.finished {
            return Poll::Ready(Taken::Over);
        }
        if !matches!(queue.taker, Taker::Waiting { .. }) {
            queue.taker = Taker::waiting(number);
        }
        if let Taker::Waiting { since, waker, .. } = &mut queue.taker {
            if patience.is_some_and(|patience| since.elapsed() >= patience) {
                return Poll::Ready(Taken::Nothing);
            }
            *waker = Some(context.waker().clone());
        }
        Poll::Pending
    }

    /// Notes that a part of what was taken is on its way.
    pub(crate) fn advance(&self, number: u64) {
        let mut queue = self.queue.lock();
        if queue.taker.number() == Some(number) {
            queue.taker = Taker::delivering(number);
        }
    }

    /// Ends a request's turn.
    pub(crate) fn release(&self, number: u64) {
        let mut queue = self.queue.lock();
        if queue.taker.number() != Some(number) {
            return;
        }
        queue.taker = Taker::absent();
        let next = queue.next.as_ref().map(|(_, waker)| waker.clone());
        drop(queue);
        wake(next);
    }

    /// What the taker is doing.
    pub(crate) fn presence(&self) -> Presence {
        match &self.queue.lock().taker {
            Taker::Absent { since } => Presence::Absent(since.elapsed()),
            Taker::Waiting { since, .. } => Presence::Waiting(since.elapsed()),
            Taker::Delivering { since, .. } => Presence::Delivering(since.elapsed()),
        }
    }

    /// Lets the waiting request look at the clock.
    pub(crate) fn nudge(&self) {
        let waker = self.queue.lock().taker.waker();
        wake(waker);
    }
}

impl Queue {
    fn is_next(&self, number: u64) -> bool {
        self.next.as_ref().is_some_and(|(next, _)| *next == number)
    }
}

impl Taker {
    fn absent() -> Self {
        Self::Absent {
            since: Instant::now(),
        }
    }

    fn waiting(number: u64) -> Self {
        Self::Waiting {
            number,
            since: Instant::now(),
            waker: None,
        }
    }

    fn delivering(number: u64) -> Self {
        Self::Delivering {
            number,
            since: Instant::now(),
        }
    }

    fn number(&self) -> Option<u64> {
        match self {
            Self::Absent { .. } => None,
            Self::Waiting { number, .. } | Self::Delivering { number, .. } => Some(*number),
        }
    }

    fn waker(&mut self) -> Option<Waker> {
        match self {
            Self::Waiting { waker, .. } => waker.take(),
            _ => None,
        }
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

    use std::io::{self, IoSlice};
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    use super::{NoTurn, Outgoing, Presence, Taken};

    const IDLE: Context<'static> = Context::from_waker(Waker::noop());

    fn write(outgoing: &Outgoing, messages: &[&str]) -> io::Result<usize> {
        let buffers: Vec<_> = messages
            .iter()
            .map(|message| IoSlice::new(message.as_bytes()))
            .collect();
        outgoing.write(&buffers)
    }

    fn begin(outgoing: &Outgoing) -> u64 {
        let number = outgoing.number();
        assert_eq!(outgoing.poll_turn(number, &IDLE), Poll::Ready(Ok(())));
        number
    }

    fn take(outgoing: &Outgoing, number: u64) -> Poll<Taken> {
        outgoing.poll_take(number, None, &IDLE)
    }

    #[tokio::test]
    async fn messages_are_taken_whole_or_not_at_all() {
        let outgoing = Outgoing::new(8);
        assert_eq!(write(&outgoing, &["abcde", "fgh", "ij"]).unwrap(), 8);
        let refused = write(&outgoing, &["ij"]).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);
        assert_eq!(outgoing.poll_room(&IDLE), Poll::Pending);
        let request = begin(&outgoing);
        let taken = take(&outgoing, request);
        assert_eq!(taken, Poll::Ready(Taken::Bytes("abcdefgh".into())));
        assert_eq!(outgoing.poll_room(&IDLE), Poll::Ready(()));
        assert_eq!(write(&outgoing, &["larger than the bound"]).unwrap(), 21);
    }

    #[tokio::test]
    async fn a_newer_request_takes_over_from_one_that_waits() {
        let outgoing = Outgoing::new(8);
        let older = begin(&outgoing);
        assert_eq!(take(&outgoing, older), Poll::Pending);
        let newer = begin(&outgoing);
        assert_eq!(take(&outgoing, older), Poll::Ready(Taken::Superseded));
        outgoing.release(older);
        write(&outgoing, &["a"]).unwrap();
        assert_eq!(
            take(&outgoing, newer),
            Poll::Ready(Taken::Bytes("a".into()))
        );
    }

    #[tokio::test]
    async fn one_request_may_wait_for_a_delivery_and_a_second_may_not() {
        let outgoing = Outgoing::new(8);
        write(&outgoing, &["a"]).unwrap();
        let delivering = begin(&outgoing);
        assert!(take(&outgoing, delivering).is_ready());
        let (next, loser) = (outgoing.number(), outgoing.number());
        assert_eq!(outgoing.poll_turn(next, &IDLE), Poll::Pending);
        assert_eq!(
            outgoing.poll_turn(loser, &IDLE),
            Poll::Ready(Err(NoTurn::Busy))
        );
        outgoing.release(delivering);
        assert_eq!(
            outgoing.poll_turn(loser, &IDLE),
            Poll::Ready(Err(NoTurn::Busy))
        );
        assert_eq!(outgoing.poll_turn(next, &IDLE), Poll::Ready(Ok(())));
    }

    #[tokio::test]
    async fn what_was_queued_is_taken_before_the_end_is_told() {
        let outgoing = Outgoing::new(8);
        write(&outgoing, &["close"]).unwrap();
        outgoing.finish();
        let request = begin(&outgoing);
        assert_eq!(
            take(&outgoing, request),
            Poll::Ready(Taken::Bytes("close".into()))
        );
        assert!(!outgoing.is_delivered());
        outgoing.release(request);
        assert!(outgoing.is_delivered());
        let request = begin(&outgoing);
        assert_eq!(take(&outgoing, request), Poll::Ready(Taken::Over));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_no_longer_than_its_patience() {
        let outgoing = Outgoing::new(8);
        let request = begin(&outgoing);
        let patience = Some(Duration::from_secs(90));
        assert_eq!(outgoing.poll_take(request, patience, &IDLE), Poll::Pending);
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(
            outgoing.poll_take(request, patience, &IDLE),
            Poll::Ready(Taken::Nothing)
        );
        outgoing.release(request);
        assert_eq!(outgoing.presence(), Presence::Absent(Duration::ZERO));
    }

    #[tokio::test]
    async fn a_client_that_has_left_swallows_everything() {
        let outgoing = Outgoing::new(2);
        let request = begin(&outgoing);
        outgoing.leave();
        assert_eq!(take(&outgoing, request), Poll::Ready(Taken::Over));
        assert_eq!(write(&outgoing, &["abc", "def"]).unwrap(), 6);
        let late = outgoing.number();
        assert_eq!(
            outgoing.poll_turn(late, &IDLE),
            Poll::Ready(Err(NoTurn::Over))
        );
    }
}
