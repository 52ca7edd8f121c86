//! What was accepted and waits for the broker, each tenant's in order: in memory, and where a journal
//! keeps it too, beyond a bound in the journal alone.

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::notification::{id::NotificationId, outgoing::Outgoing, waiting::Waiting};

/// Something that waits.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) outgoing: Outgoing,
    /// What it counts for.
    pub(crate) bytes: usize,
    /// Where the journal keeps it, if there is one.
    pub(crate) sequence: Option<u64>,
}

/// What there is to do next.
pub(crate) enum Next {
    /// Publish these.
    Items(Vec<Item>),
    /// Read on in the journal.
    Behind,
    /// Nothing ever again.
    Nothing,
}

/// How much is held in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub(crate) count: usize,
    pub(crate) bytes: usize,
}

/// The queue. What has been taken out of it still counts for its bytes until it is
/// [`freed`](Self::free).
#[derive(Debug)]
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    room: Room,
    more: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: Waiting,
    bytes: usize,
    /// The first of those that are being published.
    under_way: Option<NotificationId>,
    /// The journal has more, and everything new with it, behind what waits here.
    behind: bool,
    closed: bool,
}

impl Queue {
    /// An empty one; `behind` where the journal has something already.
    pub(crate) fn new(room: Room, behind: bool) -> Self {
        let inner = Inner {
            behind,
            ..Inner::default()
        };
        Self {
            inner: Mutex::new(inner),
            room,
            more: Notify::new(),
        }
    }

    /// Puts something behind everything else of its tenant, unless there is no room.
    pub(crate) fn offer(&self, outgoing: Outgoing) -> bool {
        let item = Item {
            bytes: outgoing.bytes(),
            outgoing,
            sequence: None,
        };
        let taken = self.inner.lock().push(item, self.room);
        if taken {
            self.more.notify_one();
        }
        taken
    }

    /// Puts something that the journal keeps behind everything else of its tenant, or leaves it to the
    /// journal.
    pub(crate) fn follow(&self, item: Item) {
        let mut inner = self.inner.lock();
        inner.behind = inner.behind || !inner.push(item, self.room);
        drop(inner);
        self.more.notify_one();
    }

    /// The journal has nothing that is not here: told by whoever alone puts more in.
    pub(crate) fn caught_up(&self) {
        self.inner.lock().behind = false;
    }

    /// Waits until there is something to do. Dropping the future loses nothing.
    pub(crate) async fn next(&self, most: usize) -> Next {
        loop {
            let more = self.more.notified();
            if let Some(next) = self.inner.lock().next(most) {
                return next;
            }
            more.await;
        }
    }

    /// Waits until so many wait here, or nothing more will come.
    pub(crate) async fn fills(&self, count: usize) {
        loop {
            let more = self.more.notified();
            {
                let inner = self.inner.lock();
                if inner.waiting.len() >= count || inner.closed || inner.behind {
                    return;
                }
            }
            more.await;
        }
    }

    /// So many bytes of what was taken out are not held any more.
    pub(crate) fn free(&self, bytes: usize) {
        self.inner.lock().bytes -= bytes;
    }

    /// What begins with this is being published.
    pub(crate) fn begin(&self, first: NotificationId) {
        self.inner.lock().under_way = Some(first);
    }

    /// Nothing is being published.
    pub(crate) fn end(&self) {
        self.inner.lock().under_way = None;
    }

    /// The bytes that are held, and what waits for longest.
    pub(crate) fn held(&self) -> (usize, Option<NotificationId>) {
        let inner = self.inner.lock();
        let next = || inner.waiting.oldest();
        (inner.bytes, inner.under_way.or_else(next))
    }

    /// Nothing more is put in.
    pub(crate) fn close(&self) {
        self.inner.lock().closed = true;
        self.more.notify_one();
    }
}

impl Inner {
    fn push(&mut self, item: Item, room: Room) -> bool {
        if self.behind || !self.waiting.has_room(&item, self.bytes, room) {
            return false;
        }
        self.bytes += item.bytes;
        self.waiting.push(item);
        true
    }

    fn next(&mut self, most: usize) -> Option<Next> {
        if self.waiting.len() > 0 {
            return Some(Next::Items(self.waiting.take(most)));
        }
        match self {
            Self { behind: true, .. } => Some(Next::Behind),
            Self { closed: true, .. } => Some(Next::Nothing),
            _ => None,
        }
    }
}
