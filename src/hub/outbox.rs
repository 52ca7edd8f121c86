//! The outbox: the bounded send queue of one connection, and the rule that whoever sends writes.
//!
//! ```text
//!  sender ──► empty? ── yes ──► socket.try_write ── all taken ──► done, nothing was queued
//!               │ no                   │ refused, or a part
//!               ▼                      ▼
//!             queue (bounded in bytes) ──► the connection's own task, in joined writes
//! ```
//!
//! Bytes leave in the order in which they were accepted. The lock is held for one system call at
//! most and never across an await.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

/// The most frames that one write joins.
const JOINED: usize = 64;

/// Where an outbox writes: the sending half of a transport.
pub trait Wire: Send + Sync + 'static {
    /// Writes what can be written without waiting.
    ///
    /// # Errors
    /// `WouldBlock` when nothing can be taken now; any other error means that the wire is gone.
    fn try_write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize>;
}

/// What happens to a message that finds the outbox full.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The connection is closed; its client returns and resumes.
    #[default]
    Close,
    /// The oldest queued messages that were sent under this policy make room.
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
    wire: Arc<dyn Wire>,
    limit: usize,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    entries: VecDeque<Entry>,
    /// Bytes in `entries` that are not yet written.
    bytes: usize,
    /// Bytes of the first entry that are already written.
    written: usize,
    /// A fan-out has promised to call `flush`.
    deferred: bool,
    state: State,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    Closing,
    Broken,
}

struct Entry {
    bytes: Bytes,
    overflow: Overflow,
}

impl Outbox {
    /// An empty outbox over `wire` that queues at most `limit` bytes. A single message larger than
    /// the limit is still taken while nothing else waits.
    #[must_use]
    pub fn new(wire: Arc<dyn Wire>, limit: usize) -> Self {
        Self {
            wire,
            limit,
            queue: Mutex::default(),
        }
    }

    /// Sends now if nothing waits, else queues.
    pub fn send(&self, bytes: &Bytes, overflow: &Overflow) -> Accepted {
        let mut queue = self.queue.lock();
        if queue.state != State::Open {
            return queue.refusal();
        }
        if queue.entries.is_empty() {
            match self.wire.try_write(&[IoSlice::new(bytes)]) {
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
            && queue.drain(&*self.wire).is_err()
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
        let drained = queue.drain(&*self.wire);
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
        if !last.is_empty() {
            let length = last.len();
            queue.append(last, Overflow::Close, length);
        }
    }

    /// Drops all that waits and accepts nothing more.
    pub fn abandon(&self) {
        self.queue.lock().fail();
    }

    /// Bytes that wait for the wire.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.queue.lock().bytes
    }
}

impl Queue {
    fn append(&mut self, bytes: Bytes, overflow: Overflow, unwritten: usize) {
        self.bytes += unwritten;
        self.entries.push_back(Entry { bytes, overflow });
    }

    fn enqueue(&mut self, bytes: &Bytes, overflow: &Overflow, limit: usize) -> Accepted {
        let mut displaced = 0;
        if let Overflow::LatestPerKey(_) = overflow {
            displaced += self.remove_where(|entry| entry.overflow == *overflow, usize::MAX);
        }
        let excess = (self.bytes + bytes.len()).saturating_sub(limit);
        if excess > 0 {
            if *overflow != Overflow::Close {
                displaced += self.remove_where(|entry| entry.overflow != Overflow::Close, excess);
            }
            if self.bytes + bytes.len() > limit && !self.entries.is_empty() {
                if *overflow == Overflow::Close {
                    self.fail();
                    return Accepted::Overflowed;
                }
                // Only messages that must not be lost are waiting: this one gives way to them.
                return Accepted::Displaced(displaced + 1);
            }
        }
        self.append(bytes.clone(), overflow.clone(), bytes.len());
        if displaced > 0 {
            Accepted::Displaced(displaced)
        } else {
            Accepted::Queued
        }
    }

    /// Removes matching entries, oldest first, until `enough` bytes are free. An entry of which a
    /// part is on the wire stays.
    fn remove_where(&mut self, matches: impl Fn(&Entry) -> bool, enough: usize) -> usize {
        let (mut freed, mut removed) = (0, 0);
        let (mut index, partly_written) = (0, self.written > 0);
        self.entries.retain(|entry| {
            let started = index == 0 && partly_written;
            index += 1;
            let keep = started || freed >= enough || !matches(entry);
            if !keep {
                freed += entry.bytes.len();
                removed += 1;
            }
            keep
        });
        self.bytes -= freed;
        removed
    }

    fn drain(&mut self, wire: &dyn Wire) -> io::Result<()> {
        while !self.entries.is_empty() {
            let mut slices = [IoSlice::new(&[]); JOINED];
            let mut count = 0;
            for (slot, entry) in slices.iter_mut().zip(&self.entries) {
                let skip = if count == 0 { self.written } else { 0 };
                *slot = IoSlice::new(&entry.bytes[skip..]);
                count += 1;
            }
            match wire.try_write(&slices[..count]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(taken) => self.advance(taken),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        if self.entries.capacity() > JOINED {
            self.entries = VecDeque::new();
        }
        Ok(())
    }

    fn advance(&mut self, taken: usize) {
        self.bytes -= taken;
        self.written += taken;
        while let Some(first) = self.entries.front() {
            if self.written < first.bytes.len() {
                break;
            }
            self.written -= first.bytes.len();
            self.entries.pop_front();
        }
    }

    fn fail(&mut self) -> Accepted {
        *self = Self {
            state: State::Broken,
            ..Self::default()
        };
        Accepted::Broken
    }

    fn refusal(&self) -> Accepted {
        if self.state == State::Broken {
            Accepted::Broken
        } else {
            Accepted::Closed
        }
    }
}
