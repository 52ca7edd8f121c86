//! The outbox: the bounded send queue of one connection, and the rule that whoever sends writes.
//!
//! ```text
//!  sender ──► empty? ── yes ──► socket.try_write ── all taken ──► done, nothing was queued
//!               │ no                   │ refused, or a part
//!               ▼                      ▼
//!             queue (bounded in bytes) ──► the connection's own task, in joined writes
//! ```
//!
//! What a client has asked for, the answers to its calls and the items of its streams, is deferred
//! and leaves in joined writes; where there is no room it waits outside the queue.
//!
//! Bytes leave in the order in which they were accepted. The lock is held for one system call at
//! most and never across an await.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::hub::queue::{JOINED, Queue, State};

/// Where an outbox writes: the sending half of a transport.
pub trait Wire: Send + Sync + 'static {
    /// Writes what can be written without waiting.
    ///
    /// # Errors
    /// `WouldBlock` when nothing can be taken now; any other error means that the wire is gone.
    fn try_write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Whether it takes each message whole or not at all. It is then given whole messages only,
    /// one in each buffer, however large, and must take whole buffers.
    fn takes_whole_messages(&self) -> bool {
        false
    }
}

/// What happens to a message that finds the outbox full.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The connection is closed; its client returns and resumes.
    #[default]
    Close,
    /// The oldest queued messages that were sent under this policy make room, for each other and
    /// for those that must not be lost.
    DropOldest,
    /// A queued message with the same key is replaced, full or not; otherwise as `DropOldest`.
    LatestPerKey(Arc<str>),
}

/// What became of a message given to an outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// The wire took all of it at once.
    Written,
    /// It waits for the connection's task.
    Queued,
    /// It waits, and this many older messages gave way to it.
    Displaced(usize),
    /// It did not fit and its policy says close: nothing more is accepted.
    Overflowed,
    /// The connection is closing; the message was dropped.
    Closed,
    /// The wire is gone.
    Broken,
}

/// The bounded send queue of one connection.
pub struct Outbox {
    limit: usize,
    /// With less than so many bytes queued there is room for more.
    at_once: usize,
    /// Bytes given to the wire in one write: as many, unless it takes messages whole.
    cut: usize,
    queue: Mutex<Queue>,
}

impl Outbox {
    /// An empty outbox over `wire` that queues at most `limit` bytes and gives the wire at most
    /// `at_once` bytes in one write. A single message larger than the limit is still taken while
    /// nothing else waits.
    #[must_use]
    pub fn new(wire: Arc<dyn Wire>, limit: usize, at_once: usize) -> Self {
        let at_once = at_once.max(1);
        let cut = if wire.takes_whole_messages() {
            usize::MAX
        } else {
            at_once
        };
        Self {
            limit,
            at_once,
            cut,
            queue: Mutex::new(Queue {
                wire: Some(wire),
                ..Queue::default()
            }),
        }
    }

    /// Sends now if nothing waits, else queues.
    pub fn send(&self, bytes: &Bytes, overflow: &Overflow) -> Accepted {
        let mut queue = self.queue.lock();
        if queue.state != State::Open {
            return queue.refusal();
        }
        if queue.entries.is_empty() {
            let start = &bytes[..bytes.len().min(self.cut)];
            match queue.write(&[IoSlice::new(start)]) {
                Ok(taken) if taken == bytes.len() => return Accepted::Written,
                Ok(taken) => queue.written = taken,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return queue.fail(),
            }
            let remainder = bytes.len() - queue.written;
            queue.append(bytes.clone(), overflow.clone(), remainder);
            return Accepted::Queued;
        }
        queue.enqueue(bytes, overflow, self.limit)
    }

    /// Queues without writing; the second value asks the caller to `flush` later, and is true for
    /// the first deferred message only. Part of a burst.
    pub fn defer(&self, bytes: &Bytes, overflow: &Overflow) -> (Accepted, bool) {
        let mut queue = self.queue.lock();
        if queue.state != State::Open {
            return (queue.refusal(), false);
        }
        // While a burst gathers, its own bytes are not the client's fault: try the wire first.
        if queue.bytes + bytes.len() > self.limit
            && queue.deferred
            && queue.drain(self.cut, self.at_once).is_err()
        {
            return (queue.fail(), false);
        }
        let accepted = if queue.entries.is_empty() {
            queue.append(bytes.clone(), overflow.clone(), bytes.len());
            Accepted::Queued
        } else {
            queue.enqueue(bytes, overflow, self.limit)
        };
        let first =
            matches!(accepted, Accepted::Queued | Accepted::Displaced(_)) && !queue.deferred;
        queue.deferred |= first;
        (accepted, first)
    }

    /// Queues without writing what its recipient has asked for, as soon as there is room: nothing
    /// else waits, or less than the wire takes at once and all of it fits under the bound. Nothing
    /// gives way to it, and it closes nothing.
    ///
    /// The caller owes a `flush`; the second value says that now is the time for it, since as much
    /// waits as one write takes.
    pub(crate) fn poll_defer(
        &self,
        bytes: &Bytes,
        context: &mut Context<'_>,
    ) -> Poll<(Accepted, bool)> {
        let mut queue = self.queue.lock();
        if queue.state != State::Open {
            return Poll::Ready((queue.refusal(), false));
        }
        let has_room = |queue: &Queue| {
            queue.entries.is_empty()
                || queue.bytes < self.at_once && queue.bytes + bytes.len() <= self.limit
        };
        if !has_room(&queue) && queue.deferred && queue.drain(self.cut, self.at_once).is_err() {
            return Poll::Ready((queue.fail(), false));
        }
        if !has_room(&queue) {
            queue.wait(context.waker());
            return Poll::Pending;
        }
        queue.append(bytes.clone(), Overflow::Close, bytes.len());
        queue.deferred = true;
        let is_due = queue.bytes >= self.at_once || queue.entries.len() >= JOINED;
        Poll::Ready((Accepted::Queued, is_due))
    }

    /// Writes what waits, in joined writes, as far as the wire takes it.
    ///
    /// Returns whether something still waits: then the wire is full, and the connection's task
    /// must call again when it is writable.
    ///
    /// # Errors
    /// The wire is gone.
    pub fn flush(&self) -> io::Result<bool> {
        let mut queue = self.queue.lock();
        queue.deferred = false;
        let drained = queue.drain(self.cut, self.at_once);
        if drained.is_err() {
            queue.fail();
        }
        drained?;
        Ok(!queue.entries.is_empty())
    }

    /// Queues the last bytes, whatever the bound, and accepts nothing after them.
    pub fn close_with(&self, last: Bytes) {
        let mut queue = self.queue.lock();
        if queue.state != State::Open {
            return;
        }
        queue.state = State::Closing;
        queue.wake_waiters();
        if !last.is_empty() {
            let length = last.len();
            queue.append(last, Overflow::Close, length);
        }
    }

    /// Drops all that waits, lets go of the wire and accepts nothing more.
    pub fn abandon(&self) {
        self.queue.lock().fail();
    }

    /// Whether less waits than the wire takes at once.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.queue.lock().bytes < self.at_once
    }

    /// Whether anything is still accepted.
    pub(crate) fn is_open(&self) -> bool {
        self.queue.lock().state == State::Open
    }

    /// Waits until there is room, or nothing is accepted any more.
    pub(crate) fn poll_room(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut queue = self.queue.lock();
        if queue.bytes < self.at_once || queue.state != State::Open {
            return Poll::Ready(());
        }
        queue.wait(context.waker());
        Poll::Pending
    }

    /// A number that goes up whenever waiting bytes have left.
    pub(crate) fn progress(&self) -> u64 {
        self.queue.lock().progress
    }

    /// Bytes that wait for the wire.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.queue.lock().bytes
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, IoSlice};
    use std::sync::Arc;
    use std::task::{Context, Poll, Waker};

    use bytes::Bytes;
    use parking_lot::Mutex;

    use super::{Accepted, Outbox, Overflow, Wire};

    /// A wire that takes `room` bytes and notes every write.
    #[derive(Default)]
    struct Narrow {
        room: Mutex<usize>,
        writes: Mutex<Vec<Vec<u8>>>,
    }

    impl Narrow {
        fn widen(&self, room: usize) {
            *self.room.lock() = room;
        }

        fn seen(&self) -> String {
            String::from_utf8(self.writes.lock().concat()).expect("tests write text")
        }
    }

    impl Wire for Narrow {
        fn try_write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
            let mut room = self.room.lock();
            let mut bytes: Vec<u8> = buffers
                .iter()
                .flat_map(|part| part.iter().copied())
                .collect();
            bytes.truncate(*room);
            if bytes.is_empty() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            *room -= bytes.len();
            let taken = bytes.len();
            self.writes.lock().push(bytes);
            Ok(taken)
        }
    }

    fn outbox(limit: usize, room: usize) -> (Outbox, Arc<Narrow>) {
        let wire = Arc::new(Narrow::default());
        wire.widen(room);
        (
            Outbox::new(Arc::clone(&wire) as Arc<dyn Wire>, limit, 1024),
            wire,
        )
    }

    fn text(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn a_ready_wire_takes_the_message_and_nothing_is_queued() {
        let (outbox, wire) = outbox(10, 100);
        assert_eq!(
            outbox.send(&text("hello"), &Overflow::Close),
            Accepted::Written
        );
        assert_eq!(
            (outbox.queued_bytes(), wire.seen()),
            (0, "hello".to_owned())
        );
    }

    #[test]
    fn a_partly_taken_message_goes_on_where_it_stopped() {
        let (outbox, wire) = outbox(10, 2);
        assert_eq!(
            outbox.send(&text("hello"), &Overflow::Close),
            Accepted::Queued
        );
        assert_eq!(
            outbox.send(&text("you"), &Overflow::Close),
            Accepted::Queued
        );
        assert_eq!(outbox.queued_bytes(), 6);
        wire.widen(100);
        assert!(!outbox.flush().expect("the wire is there"));
        assert_eq!(wire.seen(), "helloyou");
        assert_eq!(
            wire.writes.lock().len(),
            2,
            "what waited leaves in one write"
        );
    }

    #[test]
    fn over_the_bound_a_connection_is_closed_and_its_memory_given_back() {
        let (outbox, _wire) = outbox(10, 0);
        assert_eq!(
            outbox.send(&text("12345678"), &Overflow::Close),
            Accepted::Queued
        );
        assert_eq!(
            outbox.send(&text("123"), &Overflow::Close),
            Accepted::Overflowed
        );
        assert_eq!(outbox.queued_bytes(), 0);
        assert_eq!(outbox.send(&text("1"), &Overflow::Close), Accepted::Broken);
    }

    #[test]
    fn dropping_the_oldest_never_drops_what_must_not_be_lost() {
        let (outbox, wire) = outbox(12, 0);
        outbox.send(&text("keep"), &Overflow::Close);
        outbox.send(&text("old1"), &Overflow::DropOldest);
        outbox.send(&text("old2"), &Overflow::DropOldest);
        assert_eq!(
            outbox.send(&text("new3"), &Overflow::DropOldest),
            Accepted::Displaced(1)
        );
        wire.widen(100);
        outbox.flush().expect("the wire is there");
        assert_eq!(wire.seen(), "keepold2new3");
    }

    #[test]
    fn what_must_not_be_lost_displaces_what_may() {
        let (outbox, wire) = outbox(12, 0);
        outbox.send(&text("old1"), &Overflow::DropOldest);
        outbox.send(&text("old2"), &Overflow::DropOldest);
        outbox.send(&text("keep"), &Overflow::Close);
        assert_eq!(
            outbox.send(&text("order"), &Overflow::Close),
            Accepted::Displaced(2)
        );
        wire.widen(100);
        outbox.flush().expect("the wire is there");
        assert_eq!(wire.seen(), "keeporder");
    }

    #[test]
    fn the_latest_per_key_replaces_the_waiting_one_of_its_key() {
        let (outbox, wire) = outbox(100, 1);
        let key = |key: &str| Overflow::LatestPerKey(key.into());
        outbox.send(&text("[x]"), &Overflow::Close);
        outbox.send(&text("a1"), &key("a"));
        outbox.send(&text("b1"), &key("b"));
        assert_eq!(outbox.send(&text("a2"), &key("a")), Accepted::Displaced(1));
        wire.widen(100);
        outbox.flush().expect("the wire is there");
        assert_eq!(wire.seen(), "[x]b1a2");
    }

    #[test]
    fn a_burst_larger_than_the_bound_reaches_a_client_that_keeps_up() {
        let (outbox, wire) = outbox(8, 100);
        for _ in 0..5 {
            let (accepted, _) = outbox.defer(&text("12345"), &Overflow::Close);
            assert_eq!(accepted, Accepted::Queued);
        }
        outbox.flush().expect("the wire is there");
        assert_eq!(wire.seen().len(), 25);
    }

    #[test]
    fn what_was_asked_for_waits_for_room_and_nothing_gives_way_to_it() {
        let (outbox, wire) = outbox(12, 0);
        let mut idle = Context::from_waker(Waker::noop());
        outbox.send(&text("old1"), &Overflow::DropOldest);
        let item = text("larger than the bound");
        assert_eq!(outbox.poll_defer(&item, &mut idle), Poll::Pending);
        let small = text("small");
        let queued = Poll::Ready((Accepted::Queued, false));
        assert_eq!(outbox.poll_defer(&small, &mut idle), queued);
        assert_eq!(outbox.poll_defer(&small, &mut idle), Poll::Pending);
        wire.widen(100);
        // What waits was deferred, so whoever defers more writes it first.
        assert_eq!(outbox.poll_defer(&item, &mut idle), queued);
        outbox.flush().expect("the wire is there");
        assert_eq!(wire.seen(), "old1smalllarger than the bound");
    }

    #[test]
    fn deferred_answers_are_due_when_they_fill_a_write() {
        let (outbox, wire) = outbox(100_000, 100_000);
        let mut idle = Context::from_waker(Waker::noop());
        for number in 1..=64 {
            let deferred = outbox.poll_defer(&text("answer"), &mut idle);
            assert_eq!(deferred, Poll::Ready((Accepted::Queued, number == 64)));
        }
        let large = Bytes::from(vec![b'x'; 1024]);
        outbox.flush().expect("the wire is there");
        let deferred = outbox.poll_defer(&large, &mut idle);
        assert_eq!(deferred, Poll::Ready((Accepted::Queued, true)));
        assert_eq!(wire.writes.lock().len(), 1);
    }

    #[test]
    fn no_write_is_larger_than_the_transport_takes_at_once() {
        let wire = Arc::new(Narrow::default());
        wire.widen(100);
        let outbox = Outbox::new(Arc::clone(&wire) as Arc<dyn Wire>, 100, 4);
        assert_eq!(
            outbox.send(&text("1234567890"), &Overflow::Close),
            Accepted::Queued
        );
        outbox.flush().expect("the wire is there");
        assert_eq!(
            wire.writes.lock().iter().map(Vec::len).collect::<Vec<_>>(),
            [4, 4, 2]
        );
    }

    #[test]
    fn nothing_follows_the_last_bytes() {
        let (outbox, wire) = outbox(10, 100);
        outbox.close_with(text("bye"));
        assert_eq!(
            outbox.send(&text("late"), &Overflow::Close),
            Accepted::Closed
        );
        outbox.flush().expect("the wire is there");
        assert_eq!(wire.seen(), "bye");
    }
}
