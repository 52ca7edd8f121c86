//! A pipe: a connection that has no socket of its own, only requests that come and go.
//!
//! ```text
//!   POST ──► incoming ──► the connection's life ──► outbox ──► outgoing ──► poll or event stream
//! ```

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use mesahub_protocol::TransportKind;

use crate::hub::outbox::Wire;
use crate::hub::upkeep::Upkeep;
use crate::hub::{Connection, Ending};
use crate::transport::incoming::Incoming;
use crate::transport::options::TransportOptions;
use crate::transport::outgoing::{NoTurn, Outgoing, Presence, Taken};

/// The most time between two looks at the clock.
const LOOK: Duration = Duration::from_secs(1);

/// Two bounded queues between a connection's life and the requests that carry it.
pub(crate) struct Pipe {
    incoming: Incoming,
    outgoing: Outgoing,
    options: TransportOptions,
    /// The transport, once the first GET has settled it.
    kind: OnceLock<TransportKind>,
    connection: OnceLock<Weak<Connection>>,
    /// The client cannot be expected to ask for the end: it has only to get the last bytes.
    is_last: AtomicBool,
}

/// A request's right to take what the server sends. Dropping it gives the right back.
pub(crate) struct Turn {
    pipe: Arc<Pipe>,
    number: u64,
}

/// A request's wait for its turn.
struct Place<'p> {
    pipe: &'p Arc<Pipe>,
    number: u64,
}

impl Pipe {
    pub(crate) fn new(options: TransportOptions) -> Self {
        Self {
            incoming: Incoming::new(options.application_buffer),
            outgoing: Outgoing::new(options.transport_buffer),
            options,
            kind: OnceLock::new(),
            connection: OnceLock::new(),
            is_last: AtomicBool::new(false),
        }
    }

    /// How long the body of a request may be waited for.
    pub(crate) fn body_timeout(&self) -> Duration {
        self.options.body_timeout
    }

    /// Settles the transport.
    pub(crate) fn settle(&self, kind: TransportKind) {
        // The table of tokens lets one first GET through.
        let _ = self.kind.set(kind);
        self.outgoing.number();
    }

    pub(crate) fn is_polled(&self) -> bool {
        self.kind.get() == Some(&TransportKind::LongPolling)
    }

    /// What the client sends.
    pub(crate) fn incoming(&self) -> &Incoming {
        &self.incoming
    }

    pub(crate) fn options(&self) -> &TransportOptions {
        &self.options
    }

    /// Tells whose it is.
    pub(crate) fn belong(&self, connection: &Arc<Connection>) {
        let _ = self.connection.set(Arc::downgrade(connection));
    }

    /// The connection that it carries, while that is there.
    pub(crate) fn connection(&self) -> Option<Arc<Connection>> {
        self.connection.get().and_then(Weak::upgrade)
    }

    /// The client has left for good, or is taken to have.
    pub(crate) fn leave(&self) {
        self.incoming.end();
        self.outgoing.leave();
    }

    /// Nothing more will be written. `is_last` says that the client is not expected to ask again.
    pub(crate) fn finish(&self, is_last: bool) {
        self.is_last.store(is_last, Ordering::Relaxed);
        self.outgoing.finish();
        self.leave_after_last();
    }

    pub(crate) fn poll_room(&self, context: &Context<'_>) -> Poll<()> {
        self.outgoing.poll_room(context)
    }

    /// Waits for the turn to take what the server sends. Says beside the reason of a refusal
    /// whether the request had to wait for it.
    pub(crate) async fn turn(self: &Arc<Self>) -> Result<Turn, (NoTurn, bool)> {
        let place = Place {
            pipe: self,
            number: self.outgoing.number(),
        };
        let mut has_waited = false;
        poll_fn(|context| {
            let turn = self.outgoing.poll_turn(place.number, context);
            has_waited |= turn.is_pending();
            turn
        })
        .await
        .map_err(|reason| (reason, has_waited))?;
        Ok(Turn {
            pipe: Arc::clone(self),
            number: place.number,
        })
    }

    /// The turn of the only request that will ever take.
    pub(crate) fn first_turn(self: &Arc<Self>) -> Turn {
        let number = self.outgoing.number();
        let idle = Context::from_waker(Waker::noop());
        let turn = self.outgoing.poll_turn(number, &idle);
        debug_assert!(turn.is_ready(), "nobody else can have the turn");
        Turn {
            pipe: Arc::clone(self),
            number,
        }
    }

    fn leave_after_last(&self) {
        if self.is_last.load(Ordering::Relaxed) && self.outgoing.is_delivered() {
            self.leave();
        }
    }
}

impl Turn {
    /// Takes what is queued, or waits for it; a poll no longer than the poll timeout.
    pub(crate) fn poll_take(&self, context: &Context<'_>) -> Poll<Taken> {
        let patience = self
            .pipe
            .is_polled()
            .then_some(self.pipe.options.poll_timeout);
        self.pipe.outgoing.poll_take(self.number, patience, context)
    }

    /// Notes that a part of what was taken is on its way.
    pub(crate) fn advance(&self) {
        self.pipe.outgoing.advance(self.number);
    }

    pub(crate) fn pipe(&self) -> &Arc<Pipe> {
        &self.pipe
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.pipe.outgoing.release(self.number);
        self.pipe.leave_after_last();
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.pipe.outgoing.withdraw(self.number);
    }
}

impl Wire for Pipe {
    fn try_write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        self.outgoing.write(buffers)
    }

    fn takes_whole_messages(&self) -> bool {
        true
    }
}

impl Upkeep for Pipe {
    fn interval(&self) -> u64 {
        let options = &self.options;
        let shortest = LOOK
            .min(options.poll_timeout)
            .min(options.disconnect_timeout)
            .min(options.send_timeout);
        u64::try_from(shortest.as_millis()).unwrap_or(u64::MAX)
    }

    fn shows_life(&self) -> bool {
        self.is_polled()
    }

    fn look(&self) -> Option<Ending> {
        let options = &self.options;
        let text = match self.outgoing.presence() {
            Presence::Absent(time) if time >= options.disconnect_timeout => {
                "no request of the client came for the disconnect timeout"
            }
            Presence::Delivering(time) if time >= options.send_timeout => {
                "the client took no bytes for the send timeout"
            }
            Presence::Waiting(time) if self.is_polled() && time >= options.poll_timeout => {
                self.outgoing.nudge();
                return None;
            }
            _ => return None,
        };
        Some(Ending::TransportLost(text.to_owned()))
    }
}
