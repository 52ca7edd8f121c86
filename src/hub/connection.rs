//! One connection as the hub sees it: a name, a principal, an outbox and the channels it is in.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use mesahub_broker::Topic;
use mesahub_protocol::{Protocol, TransportKind};
use parking_lot::Mutex;

use crate::auth::Principal;
use crate::hub::carrier::Carrier;
use crate::hub::ending::Ending;
use crate::hub::frame::{Encoded, Form, frame, ping};
use crate::hub::id::ConnectionId;
use crate::hub::outbox::{Accepted, Outbox, Overflow};
use crate::hub::reply::Answer;
use crate::hub::traffic::Traffic;
use crate::hub::upkeep::Upkeep;

/// One client on one transport. Shared by its own task, the registry and the topics it is in.
pub struct Connection {
    serial: u64,
    id: ConnectionId,
    principal: Arc<Principal>,
    user: Option<Arc<str>>,
    protocol: OnceLock<Protocol>,
    form: Form,
    transport: TransportKind,
    outbox: Outbox,
    /// `None` once the connection is unregistered: nothing can be joined any more.
    memberships: Mutex<Option<Vec<Topic>>>,
    ending: OnceLock<Ending>,
    /// Its client wants to resume before it hears anything new.
    resumes: AtomicBool,
    /// Questions to the client that it has not answered.
    questions: AtomicUsize,
    task: AtomicWaker,
    upkeep: Option<Arc<dyn Upkeep>>,
    /// Where its hub counts.
    traffic: Arc<Traffic>,
    /// What the timing wheel looks at.
    pub(crate) pulse: Pulse,
}

/// The moments that deadlines are computed from, in milliseconds of the node's clock.
pub(crate) struct Pulse {
    pub(crate) started: u64,
    /// When the credential ends; `u64::MAX` for never.
    pub(crate) expires: AtomicU64,
    /// Whether silence is answered with pings, and too much of it with the end. Not where the
    /// transport itself shows that the client is there.
    pub(crate) is_pinged: bool,
    /// How long one write may take; `u64::MAX` for ever.
    pub(crate) send_timeout: u64,
    /// Since when bytes have waited without any leaving; 0 when nothing is known to be stuck.
    pub(crate) stuck: AtomicU64,
    /// The outbox's progress at that moment.
    pub(crate) progress: AtomicU64,
    pub(crate) heard: AtomicU64,
    pub(crate) pinged: AtomicU64,
    /// Set by the first Ping of the client: older clients never ping and must not be timed out.
    pub(crate) client_pings: AtomicBool,
    /// Set while the read loop waits for handlers: silence is then ours, not the client's.
    pub(crate) paused: AtomicBool,
}

/// What a new connection is made of.
pub(crate) struct Parts {
    pub(crate) serial: u64,
    pub(crate) id: ConnectionId,
    pub(crate) principal: Arc<Principal>,
    pub(crate) carrier: Carrier,
    pub(crate) traffic: Arc<Traffic>,
    /// Whether hub pings keep it alive, where its transport does not.
    pub(crate) pings: bool,
    pub(crate) outbox_limit: usize,
    pub(crate) now: u64,
    pub(crate) expires: Option<u64>,
}

impl Connection {
    pub(crate) fn new(parts: Parts) -> Self {
        let carrier = parts.carrier;
        let upkeep = carrier.upkeep;
        let keeps_itself_alive = upkeep.as_ref().is_some_and(|upkeep| upkeep.shows_life());
        Self {
            serial: parts.serial,
            id: parts.id,
            user: parts.principal.user_key().map(Arc::from),
            principal: parts.principal,
            protocol: OnceLock::new(),
            form: carrier.form,
            transport: carrier.transport,
            outbox: Outbox::new(carrier.wire, parts.outbox_limit, carrier.at_once),
            memberships: Mutex::new(Some(Vec::new())),
            ending: OnceLock::new(),
            resumes: AtomicBool::new(false),
            questions: AtomicUsize::new(0),
            task: AtomicWaker::new(),
            upkeep,
            traffic: parts.traffic,
            pulse: Pulse {
                started: parts.now,
                expires: AtomicU64::new(parts.expires.unwrap_or(u64::MAX)),
                is_pinged: parts.pings && !keeps_itself_alive,
                send_timeout: carrier.send_timeout,
                stuck: AtomicU64::new(0),
                progress: AtomicU64::new(0),
                heard: AtomicU64::new(parts.now),
                pinged: AtomicU64::new(parts.now),
                client_pings: AtomicBool::new(false),
                paused: AtomicBool::new(false),
            },
        }
    }

    /// The public id.
    #[must_use]
    pub fn id(&self) -> ConnectionId {
        self.id
    }

    /// Who it is.
    #[must_use]
    pub fn principal(&self) -> &Arc<Principal> {
        &self.principal
    }

    /// What `Clients::user` finds it by; none for an anonymous connection.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Ends the connection. The first reason given is the one that counts; the rest of the
    /// connection's life runs in its own task, so this returns at once.
    pub fn end(&self, ending: Ending) {
        if ending.row().abrupt {
            self.outbox.abandon();
        }
        let name = ending.row().name;
        if self.ending.set(ending).is_ok() {
            self.traffic.ended(name);
            self.task.wake();
        }
    }

    /// Why it is ending, once it is.
    #[must_use]
    pub fn ending(&self) -> Option<&Ending> {
        self.ending.get()
    }

    /// Bytes that wait for a slow client.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.outbox.queued_bytes()
    }

    /// The transport it is on.
    #[must_use]
    pub fn transport(&self) -> TransportKind {
        self.transport
    }

    /// Where its hub counts.
    pub(crate) fn traffic(&self) -> &Arc<Traffic> {
        &self.traffic
    }

    pub(crate) fn serial(&self) -> u64 {
        self.serial
    }

    /// The hub protocol, once the handshake has chosen it.
    pub(crate) fn protocol(&self) -> Option<Protocol> {
        self.protocol.get().copied()
    }

    pub(crate) fn choose_protocol(&self, protocol: Protocol) {
        // A connection shakes hands once; a second choice would be a bug of its one caller.
        let _ = self.protocol.set(protocol);
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// Sends what `write` appends as one frame in the connection's protocol.
    pub(crate) fn send_with(&self, write: impl FnOnce(Protocol, &mut Vec<u8>)) -> Accepted {
        let protocol = self.protocol().unwrap_or(Protocol::Json);
        let bytes = frame(self.form, protocol, |out| write(protocol, out));
        self.traffic.sent.add(1, bytes.len());
        self.send_frame(&bytes, &Overflow::Close)
    }

    /// Sends the refusal of a call, if its caller wants one.
    pub(crate) fn refuse_call(&self, answer: Answer) {
        if let Some(frame) = answer.bytes {
            self.traffic.sent.add(1, frame.len());
            self.send_frame(&frame, &Overflow::Close);
        }
    }

    /// Sends the completion of a call, if its caller wants one, as soon as there is room for it.
    pub(crate) async fn complete_call(&self, answer: Answer) {
        if let Some(frame) = answer.bytes {
            poll_fn(|context| self.poll_defer(&frame, context)).await;
            self.flush();
        }
        drop(answer.kept);
    }

    /// Queues the completion of a call, if its caller wants one; the connection's own task writes
    /// it, together with those of the calls that arrived behind. Gives the completion back when
    /// it has to wait for room.
    pub(crate) fn complete_soon(
        &self,
        answer: Answer,
        context: &mut Context<'_>,
    ) -> Result<(), Answer> {
        let Some(frame) = &answer.bytes else {
            return Ok(());
        };
        match self.poll_defer(frame, context) {
            Poll::Pending => return Err(answer),
            Poll::Ready((_, true)) => self.flush(),
            Poll::Ready((_, false)) => {}
        }
        Ok(())
    }

    /// Sends a ready frame, which its caller counts if it is to be counted.
    pub(crate) fn send_frame(&self, bytes: &Bytes, overflow: &Overflow) -> Accepted {
        let accepted = self.outbox.send(bytes, overflow);
        self.settle(accepted);
        accepted
    }

    /// Sends an encoded message in the form this connection wants. `None` if it was not encoded
    /// for this connection's protocol.
    pub(crate) fn send_encoded(&self, encoded: &Encoded, overflow: &Overflow) -> Option<Accepted> {
        let bytes = encoded.bytes(self.protocol()?, self.form)?;
        self.traffic.sent.add(1, bytes.len());
        Some(self.send_frame(bytes, overflow))
    }

    /// Sends a transport's own answer, in order with everything else. It is the first to give way
    /// when the peer does not read.
    pub(crate) fn answer(&self, bytes: &Bytes) {
        self.send_frame(bytes, &Overflow::DropOldest);
    }

    /// Sends a keep-alive, unless other bytes are on their way already.
    pub(crate) fn ping(&self) {
        if let Some(protocol) = self.protocol()
            && self.outbox.queued_bytes() == 0
        {
            self.send_frame(&ping(self.form, protocol), &Overflow::DropOldest);
        }
    }

    /// Queues a ready frame as a part of a burst, which its caller counts; true asks for a later
    /// [`Self::flush`].
    pub(crate) fn defer_frame(&self, bytes: &Bytes, overflow: &Overflow) -> (Accepted, bool) {
        let (accepted, first) = self.outbox.defer(bytes, overflow);
        match accepted {
            Accepted::Overflowed => self.end(Ending::SlowConsumer),
            Accepted::Broken => self.end(Ending::TransportLost("write failed".to_owned())),
            _ => {}
        }
        (accepted, first)
    }

    /// Queues a ready frame that the client has asked for as soon as there is room for it. The
    /// caller owes a [`Self::flush`]; the second value says that it should not be put off.
    pub(crate) fn poll_defer(
        &self,
        bytes: &Bytes,
        context: &mut Context<'_>,
    ) -> Poll<(Accepted, bool)> {
        let deferred = self.outbox.poll_defer(bytes, context);
        match deferred {
            Poll::Ready((Accepted::Queued, _)) => self.traffic.sent.add(1, bytes.len()),
            Poll::Ready((Accepted::Broken, _)) => {
                self.end(Ending::TransportLost("write failed".to_owned()));
            }
            _ => {}
        }
        deferred
    }

    /// Writes a burst out.
    pub(crate) fn flush(&self) {
        match self.outbox.flush() {
            Ok(false) => {}
            Ok(true) => self.task.wake(),
            Err(error) => self.end(Ending::TransportLost(error.to_string())),
        }
    }

    /// Registers the connection's own task for the next wake-up.
    pub(crate) fn register_task(&self, waker: &Waker) {
        self.task.register(waker);
    }

    /// Wakes the connection's own task.
    pub(crate) fn wake(&self) {
        self.task.wake();
    }

    /// Whether less waits for the client than its transport takes at once.
    pub(crate) fn has_room(&self) -> bool {
        self.outbox.has_room()
    }

    /// Waits until there is room again, or the connection is closing.
    pub(crate) async fn room(&self) {
        poll_fn(|context| self.outbox.poll_room(context)).await;
    }

    /// What logs keep is held back from it, in the groups that it is about to follow, until it has
    /// resumed.
    pub(crate) fn resume_first(&self) {
        self.resumes.store(true, Ordering::Relaxed);
    }

    pub(crate) fn resumes_first(&self) -> bool {
        self.resumes.load(Ordering::Relaxed)
    }

    /// Counts a question to the client, or takes it back.
    pub(crate) fn asked(&self, change: isize) {
        self.questions
            .fetch_add(change.cast_unsigned(), Ordering::Relaxed);
    }

    /// Whether the client owes an answer.
    pub(crate) fn is_asked(&self) -> bool {
        self.questions.load(Ordering::Relaxed) > 0
    }

    /// What looks after its transport between two requests.
    pub(crate) fn upkeep(&self) -> Option<&dyn Upkeep> {
        self.upkeep.as_deref()
    }

    /// Replaces the moment at which its credential ends.
    pub(crate) fn renew(&self, expires: Option<u64>) {
        let expires = expires.unwrap_or(u64::MAX);
        self.pulse.expires.store(expires, Ordering::Relaxed);
    }

    /// Notes that something arrived.
    pub(crate) fn heard(&self, now: u64) {
        self.pulse.heard.store(now, Ordering::Relaxed);
    }

    /// Adds a topic, unless it is there, and runs `join` while no unregistering can come between.
    /// False if the connection has already been unregistered.
    pub(crate) fn remember(&self, topic: &Topic, join: impl FnOnce()) -> bool {
        let mut memberships = self.memberships.lock();
        let Some(topics) = memberships.as_mut() else {
            return false;
        };
        if !topics.contains(topic) {
            topics.push(topic.clone());
        }
        join();
        true
    }

    /// Removes a topic; whether it was there.
    pub(crate) fn forget(&self, topic: &Topic, leave: impl FnOnce()) -> bool {
        let mut memberships = self.memberships.lock();
        let Some(topics) = memberships.as_mut() else {
            return false;
        };
        let Some(index) = topics.iter().position(|known| known == topic) else {
            return false;
        };
        topics.swap_remove(index);
        leave();
        true
    }

    /// Removes a topic that it is not in any more, unless it has joined it again meanwhile.
    pub(crate) fn forget_lost(&self, topic: &Topic, is_member: impl FnOnce() -> bool) {
        let mut memberships = self.memberships.lock();
        if let Some(topics) = memberships.as_mut()
            && !is_member()
        {
            topics.retain(|known| known != topic);
        }
    }

    /// Whether it is in a topic.
    pub(crate) fn is_in(&self, topic: &Topic) -> bool {
        let memberships = self.memberships.lock();
        memberships
            .as_ref()
            .is_some_and(|topics| topics.contains(topic))
    }

    /// All topics it is in, for the last time.
    pub(crate) fn forget_all(&self) -> Vec<Topic> {
        self.memberships.lock().take().unwrap_or_default()
    }

    /// The topics it is in now.
    pub(crate) fn topics(&self) -> Vec<Topic> {
        self.memberships.lock().clone().unwrap_or_default()
    }

    fn settle(&self, accepted: Accepted) {
        match accepted {
            Accepted::Written | Accepted::Closed => {}
            Accepted::Queued | Accepted::Displaced(_) => self.task.wake(),
            Accepted::Overflowed => self.end(Ending::SlowConsumer),
            Accepted::Broken => self.end(Ending::TransportLost("write failed".to_owned())),
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
