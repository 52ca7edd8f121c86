//! WebSockets (RFC 6455): the library's codec reads and answers control frames; data frames are
//! made by the hub and written to the socket as they are.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use mesahub_protocol::TransferFormat;
use tungstenite::error::{CapacityError, ProtocolError};
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message};

use crate::connection::{Link, Received};
use crate::hub::Ending;
use crate::hub::carrier::Carrier;
use crate::hub::frame::Form;
use crate::hub::outbox::Wire;
use crate::transport::options::TransportOptions;
use crate::transport::socket::Socket;

/// What one read asks the socket for, and what an idle connection keeps allocated.
const READ_BUFFER: usize = 512;

/// How much more than one hub message a WebSocket message may hold: it may carry several.
const SLACK: usize = 64 * 1024;

/// A Close frame with status 1000 and no reason.
const CLOSE: Bytes = Bytes::from_static(&[0x88, 2, 0x03, 0xe8]);

/// A connection over a WebSocket.
pub(crate) struct WebSocketLink {
    socket: Arc<Socket>,
    codec: WebSocketContext,
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

/// The codec's view of the socket: it reads, and what it writes is collected.
struct Tap<'a, 'c> {
    socket: &'a Socket,
    context: &'a mut Context<'c>,
    answer: Vec<u8>,
}

impl WebSocketLink {
    /// `already_read` came with the upgrade request and belongs to the stream.
    pub(crate) fn new(
        socket: Socket,
        already_read: Bytes,
        limit: Option<usize>,
        options: &TransportOptions,
    ) -> Self {
        let largest = limit.map(|limit| limit.saturating_add(SLACK));
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_frame_size(largest)
            .max_message_size(largest);
        let codec = if already_read.is_empty() {
            WebSocketContext::new(Role::Server, Some(config))
        } else {
            WebSocketContext::from_partially_read(already_read.into(), Role::Server, Some(config))
        };
        Self {
            socket: Arc::new(socket),
            codec,
            state: State::Open,
            transport_buffer: u32::try_from(options.transport_buffer).unwrap_or(u32::MAX),
            send_timeout: milliseconds(options.send_timeout),
            close_timeout: milliseconds(options.close_timeout),
        }
    }
}

impl WebSocketLink {
    fn discard(&self, context: &mut Context<'_>) -> Poll<Received> {
        let mut waste = [0; 4096];
        loop {
            match self.socket.read(context, &mut waste) {
                Ok(1..) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Ok(0) | Err(_) => return Poll::Ready(Received::Lost("the peer left".to_owned())),
            }
        }
    }
}

impl Link for WebSocketLink {
    fn carrier(&self) -> Carrier {
        Carrier {
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
        match self.state {
            State::Open => {}
            State::Discarding => return self.discard(context),
            State::Ended => {
                return Poll::Ready(Received::Lost("the connection is closed".to_owned()));
            }
        }
        let mut tap = Tap {
            socket: &self.socket,
            context,
            answer: Vec::new(),
        };
        loop {
            let read = self.codec.read(&mut tap);
            let received = match read {
                Ok(Message::Text(text)) => Received::Chunk(text.into()),
                Ok(Message::Binary(bytes)) => Received::Chunk(bytes),
                Ok(Message::Ping(_)) => {
                    // The codec has the pong ready and hands it out when it is flushed.
                    let _ = self.codec.flush(&mut tap);
                    Received::Answer(tap.answer.into())
                }
                Ok(Message::Close(_)) => {
                    self.state = State::Ended;
                    let _ = self.codec.flush(&mut tap);
                    Received::Closed(tap.answer.into())
                }
                Ok(Message::Pong(_) | Message::Frame(_)) => continue,
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Poll::Pending;
                }
                Err(Error::Capacity(CapacityError::MessageTooLong { .. })) => {
                    self.state = State::Discarding;
                    Received::TooLarge
                }
                Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => {
                    self.state = State::Ended;
                    Received::Lost("the client left without a Close frame".to_owned())
                }
                Err(error) => {
                    self.state = State::Ended;
                    Received::Lost(error.to_string())
                }
            };
            return Poll::Ready(received);
        }
    }

    fn poll_writable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_writable(context)
    }

    fn farewell(&self) -> Bytes {
        CLOSE
    }

    fn patience(&self, _ending: &Ending) -> Duration {
        Duration::from_millis(u64::from(self.close_timeout))
    }
}

fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

impl Read for Tap<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.read(self.context, buffer)
    }
}

impl Write for Tap<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.answer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
