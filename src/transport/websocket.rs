//! WebSockets (RFC 6455): control frames are answered here; data frames are made by the hub and
//! written to the socket as they are.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use mesahub_protocol::websocket::{CloseStatus, Event, Reader, close_frame, pong_frame};
use mesahub_protocol::{TransferFormat, TransportKind};

use crate::connection::{Link, Received};
use crate::hub::Ending;
use crate::hub::carrier::Carrier;
use crate::hub::frame::Form;
use crate::hub::outbox::Wire;
use crate::transport::options::TransportOptions;
use crate::transport::socket::Socket;

/// What one read asks the socket for. It lies on the stack, so a connection that waits for bytes
/// has no buffer.
const AT_ONCE: usize = 4096;

/// A connection over a WebSocket.
pub(crate) struct WebSocketLink {
    socket: Arc<Socket>,
    reader: Reader,
    /// What was read from the socket and has not been looked at.
    unread: BytesMut,
    state: State,
    transport_buffer: u32,
    /// In milliseconds, as all that a connection keeps is small.
    send_timeout: u32,
    close_timeout: u32,
}

/// How far the peer's side of the stream has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is read.
    Open,
    /// It cannot be understood any more: what still comes is thrown away, so that the last bytes
    /// written to the peer are not overtaken by a reset.
    Discarding,
    /// It has ended.
    Ended,
}

impl WebSocketLink {
    /// `already_read` came with the upgrade request and belongs to the stream.
    pub(crate) fn new(socket: Socket, already_read: Bytes, options: &TransportOptions) -> Self {
        Self {
            socket: Arc::new(socket),
            reader: Reader::new(),
            unread: already_read.into(),
            state: State::Open,
            transport_buffer: u32::try_from(options.transport_buffer).unwrap_or(u32::MAX),
            send_timeout: milliseconds(options.send_timeout),
            close_timeout: milliseconds(options.close_timeout),
        }
    }

    /// The next thing in what was read.
    fn advance(&mut self) -> Option<Received> {
        let step = match self.reader.read(&mut self.unread) {
            Ok(step) => step,
            Err(violation) => {
                self.state = State::Discarding;
                self.unread = BytesMut::new();
                return Some(Received::Refused {
                    last: Bytes::copy_from_slice(&close_frame(violation.status())),
                    reason: violation.to_string(),
                });
            }
        };
        match step.event {
            None => {
                self.unread = BytesMut::new();
                None
            }
            Some(Event::Data(place)) => {
                self.unread.advance(place.start);
                let chunk = if place.len() == self.unread.len() {
                    std::mem::take(&mut self.unread)
                } else {
                    self.unread.split_to(place.len())
                };
                Some(Received::Chunk(chunk.freeze()))
            }
            Some(Event::Ping(payload)) => {
                self.unread.advance(step.taken);
                Some(Received::Answer(pong_frame(&payload).into()))
            }
            Some(Event::Close(status)) => {
                self.state = State::Ended;
                let status = status.unwrap_or(CloseStatus::NORMAL);
                Some(Received::Closed(Bytes::copy_from_slice(&close_frame(
                    status,
                ))))
            }
        }
    }

    fn discard(&self, context: &mut Context<'_>) -> Poll<Received> {
        let mut waste = [0; AT_ONCE];
        match self.socket.read(context, &mut waste) {
            // Thrown away as it comes, and others get their turn in between.
            Ok(1..) => Poll::Ready(Received::Chunk(Bytes::new())),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            Ok(0) | Err(_) => Poll::Ready(Received::Lost("the peer left".to_owned())),
        }
    }
}

impl Link for WebSocketLink {
    fn carrier(&self) -> Carrier {
        Carrier {
            transport: TransportKind::WebSockets,
            wire: Arc::clone(&self.socket) as Arc<dyn Wire>,
            form: Form::WebSocket,
            upkeep: None,
            at_once: usize::try_from(self.transport_buffer).unwrap_or(usize::MAX),
            send_timeout: u64::from(self.send_timeout),
        }
    }

    fn formats(&self) -> &'static [TransferFormat] {
        &[TransferFormat::Text, TransferFormat::Binary]
    }

    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Received> {
        loop {
            match self.state {
                State::Open => {}
                State::Discarding => return self.discard(context),
                State::Ended => {
                    return Poll::Ready(Received::Lost("the connection is closed".to_owned()));
                }
            }
            if let Some(received) = self.advance() {
                return Poll::Ready(received);
            }
            let mut buffer = [0; AT_ONCE];
            let lost = match self.socket.read(context, &mut buffer) {
                Ok(0) => "the client left without a Close frame".to_owned(),
                Ok(length) => {
                    self.unread = BytesMut::from(&buffer[..length]);
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Err(error) => error.to_string(),
            };
            self.state = State::Ended;
            return Poll::Ready(Received::Lost(lost));
        }
    }

    fn poll_writable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_writable(context)
    }

    fn farewell(&self) -> Bytes {
        const CLOSE: [u8; 4] = close_frame(CloseStatus::NORMAL);
        Bytes::from_static(&CLOSE)
    }

    fn finish(&self, _ending: &Ending) {
        if self.state == State::Discarding {
            // The peer's own Close frame would not be understood, so it is shown the end.
            self.socket.finish_writing();
        }
    }

    fn patience(&self, _ending: &Ending) -> Duration {
        Duration::from_millis(u64::from(self.close_timeout))
    }
}

fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
