//! The sending side: messages are numbered in the order in which they leave, and kept until the
//! client has acknowledged them.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use mesahub_protocol::{FrameReader, HubMessage, Protocol};
use parking_lot::Mutex;

use crate::hub::Connection;
use crate::hub::frame::{Form, frame};
use crate::hub::outbox::Wire;
use crate::transport::websocket::WebSocketLink;

/// The wire of a connection that can change its socket, and the place where the next socket is
/// handed over.
pub(crate) struct Sending {
    /// Unacknowledged bytes over which the outbox has to wait.
    limit: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The socket, unless it is lost.
    wire: Option<Arc<dyn Wire>>,
    /// Set once the handshake has chosen version 2.
    protocol: Option<Protocol>,
    /// The number of the last message that was given one.
    sent: u64,
    kept: VecDeque<Kept>,
    kept_bytes: usize,
    /// Frames on their way to the socket, and how much of the first has left.
    pending: VecDeque<Bytes>,
    written: usize,
    /// Goes up whenever the socket takes bytes.
    progress: u64,
    next: Option<WebSocketLink>,
    /// The connection may not change its socket any more, or not yet.
    is_closed: bool,
    connection: Weak<Connection>,
}

/// A frame with tracked messages that the client has not acknowledged.
struct Kept {
    first: u64,
    count: u64,
    bytes: Bytes,
}

impl Sending {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            state: Mutex::default(),
        }
    }

    /// Whether another socket may be handed over.
    pub(crate) fn is_open(&self) -> bool {
        let state = self.state.lock();
        state.protocol.is_some() && !state.is_closed
    }

    /// Hands over the next socket; false if the connection has ended meanwhile.
    pub(crate) fn hand_over(&self, link: WebSocketLink) -> bool {
        let mut state = self.state.lock();
        if state.is_closed {
            return false;
        }
        state.next = Some(link);
        let connection = state.connection.upgrade();
        drop(state);
        if let Some(connection) = connection {
            connection.wake();
        }
        true
    }

    /// Whose it is, while that lives.
    pub(crate) fn connection(&self) -> Option<Arc<Connection>> {
        self.state.lock().connection.upgrade()
    }

    pub(crate) fn take_next(&self) -> Option<WebSocketLink> {
        self.state.lock().next.take()
    }

    pub(crate) fn belongs_to(&self, connection: &Arc<Connection>, wire: Arc<dyn Wire>) {
        let mut state = self.state.lock();
        state.connection = Arc::downgrade(connection);
        state.wire = Some(wire);
    }

    /// Numbers what is sent from now on.
    pub(crate) fn track(&self, protocol: Protocol) {
        self.state.lock().protocol = Some(protocol);
    }

    /// No other socket is accepted from now on.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        state.next = None;
    }

    /// The socket is lost; what is not acknowledged is kept for the next one.
    pub(crate) fn detach(&self) {
        self.state.lock().detach();
    }

    /// Goes on over another socket: first the number of the oldest message that is sent again,
    /// then all that was not acknowledged.
    pub(crate) fn attach(&self, wire: Arc<dyn Wire>) {
        let mut state = self.state.lock();
        state.detach();
        state.wire = Some(wire);
        let sequence_id = state.kept.front().map_or(state.sent + 1, |kept| kept.first);
        let again: Vec<Bytes> = state.kept.iter().map(|kept| kept.bytes.clone()).collect();
        state.send_alone(&HubMessage::Sequence { sequence_id });
        state.pending.extend(again);
        state.drain();
    }

    /// Tells the client up to which of its messages all have been processed.
    pub(crate) fn acknowledge(&self, sequence_id: u64) {
        let mut state = self.state.lock();
        state.send_alone(&HubMessage::Ack { sequence_id });
        state.drain();
    }

    /// Sends a transport's own answer.
    pub(crate) fn answer(&self, bytes: Bytes) {
        let mut state = self.state.lock();
        if state.wire.is_some() {
            state.pending.push_back(bytes);
            state.drain();
        }
    }

    /// The client has processed everything up to this number.
    pub(crate) fn acknowledged(&self, sequence_id: u64) {
        let mut state = self.state.lock();
        while let Some(kept) = state.kept.front() {
            let last = kept.first + kept.count - 1;
            if last > sequence_id {
                break;
            }
            state.kept_bytes -= kept.bytes.len();
            state.kept.pop_front();
        }
    }

    /// Writes what is on its way; whether all of it has left.
    pub(crate) fn drain(&self) -> bool {
        let mut state = self.state.lock();
        state.drain();
        state.pending.is_empty()
    }

    /// A number that goes up whenever the socket takes bytes.
    pub(crate) fn progress(&self) -> u64 {
        self.state.lock().progress
    }

    /// Whether the outbox may give more.
    pub(crate) fn has_room(&self) -> bool {
        let state = self.state.lock();
        state.pending.is_empty() && state.kept_bytes < self.limit
    }
}

impl Wire for Sending {
    fn try_write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = self.state.lock();
        state.drain();
        if state.wire.is_some() && !state.pending.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let mut taken = 0;
        for buffer in buffers {
            if state.kept_bytes >= self.limit && !state.is_closed {
                break;
            }
            state.accept(Bytes::copy_from_slice(buffer));
            taken += buffer.len();
        }
        if taken == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        state.drain();
        let waits = !state.pending.is_empty();
        let connection = state.connection.upgrade();
        drop(state);
        if let Some(connection) = connection.filter(|_| waits) {
            connection.wake();
        }
        Ok(taken)
    }

    fn takes_whole_messages(&self) -> bool {
        true
    }
}

impl State {
    fn accept(&mut self, bytes: Bytes) {
        let count = self
            .protocol
            .map_or(0, |protocol| tracked(protocol, &bytes));
        if count > 0 {
            let first = self.sent + 1;
            self.sent += count;
            self.kept_bytes += bytes.len();
            self.kept.push_back(Kept {
                first,
                count,
                bytes: bytes.clone(),
            });
        }
        if self.wire.is_some() {
            self.pending.push_back(bytes);
        }
    }

    /// Sends a message that has no number.
    fn send_alone(&mut self, message: &HubMessage<'_>) {
        let (Some(protocol), Some(_)) = (self.protocol, &self.wire) else {
            return;
        };
        let bytes = frame(Form::WebSocket, protocol, |out| {
            message
                .encode(protocol, out)
                .expect("a number always encodes");
        });
        self.pending.push_back(bytes);
    }

    fn detach(&mut self) {
        self.wire = None;
        self.pending = VecDeque::new();
        self.written = 0;
    }

    fn drain(&mut self) {
        while let (Some(first), Some(wire)) = (self.pending.front(), &self.wire) {
            match wire.try_write(&[IoSlice::new(&first[self.written..])]) {
                Ok(taken) => {
                    self.written += taken;
                    self.progress += 1;
                    if self.written >= first.len() {
                        self.pending.pop_front();
                        self.written = 0;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // The reading side finds out too, and waits for the next socket.
                Err(_) => self.detach(),
            }
        }
    }
}

/// How many tracked messages a WebSocket frame of ours holds.
fn tracked(protocol: Protocol, frame: &[u8]) -> u64 {
    let header = match frame.get(1).map(|length| length & 0x7f) {
        Some(126) => 4,
        Some(127) => 10,
        _ => 2,
    };
    let mut reader = FrameReader::after_handshake(protocol, None);
    let mut bodies = reader.feed(frame.get(header..).unwrap_or_default());
    let mut count = 0;
    while let Some(Ok(body)) = bodies.next() {
        let message = HubMessage::decode(protocol, body);
        count += u64::from(message.is_ok_and(|message| message.is_tracked()));
    }
    count
}
