//! The queue of an outbox: what waits for the wire, and what gives way when it is full.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::Waker;

use bytes::Bytes;

use crate::hub::outbox::{Accepted, Overflow, Wire};

/// The most frames that one write joins.
pub(crate) const JOINED: usize = 64;

/// What waits, in order, and the wire that it waits for.
#[derive(Default)]
pub(crate) struct Queue {
    /// Let go at the end, so that the transport can close while somebody still holds the
    /// connection.
    pub(crate) wire: Option<Arc<dyn Wire>>,
    pub(crate) entries: VecDeque<Entry>,
    /// Bytes in `entries` that are not yet written.
    pub(crate) bytes: usize,
    /// Bytes of the first entry that are already written.
    pub(crate) written: usize,
    /// Goes up with every write that took something.
    pub(crate) progress: u64,
    /// A fan-out has promised to call `flush`.
    pub(crate) deferred: bool,
    /// Whoever waits for room, such as a stream.
    pub(crate) waiters: Vec<Waker>,
    pub(crate) state: State,
}

/// Whether anything is still accepted.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum State {
    #[default]
    Open,
    Closing,
    Broken,
}

/// One message.
pub(crate) struct Entry {
    pub(crate) bytes: Bytes,
    pub(crate) overflow: Overflow,
}

impl Queue {
    /// Gives the wire what it takes now.
    pub(crate) fn write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        match &self.wire {
            Some(wire) => wire.try_write(buffers),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Queues a message of which `unwritten` bytes are still to be written.
    pub(crate) fn append(&mut self, bytes: Bytes, overflow: Overflow, unwritten: usize) {
        self.bytes += unwritten;
        self.entries.push_back(Entry { bytes, overflow });
    }

    /// Queues a message behind others, within the bound.
    pub(crate) fn enqueue(&mut self, bytes: &Bytes, overflow: &Overflow, limit: usize) -> Accepted {
        let mut displaced = 0;
        if let Overflow::LatestPerKey(_) = overflow {
            displaced += self.remove_where(|entry| entry.overflow == *overflow, usize::MAX);
        }
        let excess = (self.bytes + bytes.len()).saturating_sub(limit);
        if excess > 0 {
            displaced += self.remove_where(|entry| entry.overflow != Overflow::Close, excess);
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

    /// Writes in joined writes of at most `at_once` bytes, as far as the wire takes it. Whoever
    /// waits for room is told when less than `room` bytes are left.
    pub(crate) fn drain(&mut self, at_once: usize, room: usize) -> io::Result<()> {
        while !self.entries.is_empty() {
            let mut slices = [IoSlice::new(&[]); JOINED];
            let (mut count, mut left) = (0, at_once);
            for (slot, entry) in slices.iter_mut().zip(&self.entries) {
                let skip = if count == 0 { self.written } else { 0 };
                let part = &entry.bytes[skip..];
                *slot = IoSlice::new(&part[..part.len().min(left)]);
                count += 1;
                left = left.saturating_sub(part.len());
                if left == 0 {
                    break;
                }
            }
            match self.write(&slices[..count]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(taken) => {
                    self.advance(taken);
                    if self.bytes < room {
                        self.wake_waiters();
                    }
                }
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
        self.progress = self.progress.wrapping_add(1);
        while let Some(first) = self.entries.front() {
            if self.written < first.bytes.len() {
                break;
            }
            self.written -= first.bytes.len();
            self.entries.pop_front();
        }
    }

    /// Has somebody told when there may be room.
    pub(crate) fn wait(&mut self, waker: &Waker) {
        if !self.waiters.iter().any(|waiter| waiter.will_wake(waker)) {
            self.waiters.push(waker.clone());
        }
    }

    /// Tells whoever waits for room to look again.
    pub(crate) fn wake_waiters(&mut self) {
        std::mem::take(&mut self.waiters)
            .into_iter()
            .for_each(Waker::wake);
    }

    /// Drops everything, lets go of the wire and accepts nothing more.
    pub(crate) fn fail(&mut self) -> Accepted {
        self.wake_waiters();
        *self = Self {
            state: State::Broken,
            ..Self::default()
        };
        Accepted::Broken
    }

    /// Why nothing is accepted.
    pub(crate) fn refusal(&self) -> Accepted {
        if self.state == State::Broken {
            Accepted::Broken
        } else {
            Accepted::Closed
        }
    }
}
