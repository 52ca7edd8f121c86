//! A connection without a hub protocol, as its handler holds it.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use mesahub_protocol::TransferFormat;
use parking_lot::Mutex;
use thiserror::Error;

use crate::auth::Principal;
use crate::hub::frame::{Form, websocket};
use crate::hub::outbox::{Accepted, Overflow};
use crate::hub::{Connection, ConnectionId, Ending};

/// A client that speaks no hub protocol: bytes or text in and out, over any transport.
pub struct RawConnection {
    sender: RawSender,
}

/// The way back to the client of a [`RawConnection`], for other tasks. Cheap to clone.
#[derive(Clone)]
pub struct RawSender {
    line: Arc<Line>,
}

/// A message was not sent.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RawSendError {
    /// The connection has ended.
    #[error("the connection has ended")]
    Closed,
    /// The transport carries text, and these are bytes.
    #[error("the transport of this connection carries only text")]
    TextOnly,
}

/// What the life of the connection and its handler share.
pub(crate) struct Line {
    connection: Arc<Connection>,
    formats: &'static [TransferFormat],
    /// Held by the message that waits for room, so that senders cannot fill the outbox together.
    sending: tokio::sync::Mutex<()>,
    inbox: Mutex<Inbox>,
}

/// One chunk that the handler has not taken yet. The life reads no further until it has.
#[derive(Default)]
struct Inbox {
    chunk: Option<Bytes>,
    is_closed: bool,
    reader: Option<Waker>,
}

impl RawConnection {
    pub(crate) fn new(line: Arc<Line>) -> Self {
        Self {
            sender: RawSender { line },
        }
    }

    /// The next bytes of the client, or `None` when the connection has ended. Transports may join
    /// and split what the client sends, so a chunk is no message. Nothing is lost when the future
    /// is dropped.
    pub async fn recv(&mut self) -> Option<Bytes> {
        poll_fn(|context| self.sender.line.poll_take(context)).await
    }

    /// Sends bytes, as a binary message where the transport knows messages. Waits while too much
    /// still waits for the client. When the future is dropped the message may or may not
    /// be sent.
    ///
    /// # Errors
    /// When the connection has ended, or its transport carries only text.
    pub async fn send(&self, bytes: impl Into<Bytes>) -> Result<(), RawSendError> {
        self.sender.send(bytes).await
    }

    /// Sends text; otherwise as [`Self::send`].
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn send_text(&self, text: impl Into<String>) -> Result<(), RawSendError> {
        self.sender.send_text(text).await
    }

    /// The public id.
    #[must_use]
    pub fn id(&self) -> ConnectionId {
        self.sender.line.connection.id()
    }

    /// Who it is.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        self.sender.line.connection.principal()
    }

    /// Why it has ended, once it has.
    #[must_use]
    pub fn ending(&self) -> Option<&Ending> {
        self.sender.line.connection.ending()
    }

    /// The way back to the client, for other tasks.
    #[must_use]
    pub fn sender(&self) -> RawSender {
        self.sender.clone()
    }
}

impl RawSender {
    /// As [`RawConnection::send`].
    ///
    /// # Errors
    /// When the connection has ended, or its transport carries only text.
    pub async fn send(&self, bytes: impl Into<Bytes>) -> Result<(), RawSendError> {
        if !self.line.formats.contains(&TransferFormat::Binary) {
            return Err(RawSendError::TextOnly);
        }
        self.line.send(TransferFormat::Binary, bytes.into()).await
    }

    /// As [`RawConnection::send_text`].
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn send_text(&self, text: impl Into<String>) -> Result<(), RawSendError> {
        let text = Bytes::from(text.into());
        self.line.send(TransferFormat::Text, text).await
    }
}

impl Line {
    pub(crate) fn new(connection: Arc<Connection>, formats: &'static [TransferFormat]) -> Self {
        Self {
            connection,
            formats,
            sending: tokio::sync::Mutex::new(()),
            inbox: Mutex::default(),
        }
    }

    /// Whether another chunk may be read.
    pub(crate) fn has_room(&self) -> bool {
        self.inbox.lock().chunk.is_none()
    }

    /// Hands a chunk to the handler.
    pub(crate) fn put(&self, chunk: Bytes) {
        let mut inbox = self.inbox.lock();
        inbox.chunk = Some(chunk);
        let reader = inbox.reader.take();
        drop(inbox);
        wake(reader);
    }

    /// Tells the handler that no chunk follows.
    pub(crate) fn close(&self) {
        let mut inbox = self.inbox.lock();
        inbox.is_closed = true;
        let reader = inbox.reader.take();
        drop(inbox);
        wake(reader);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.inbox.lock().is_closed
    }

    fn poll_take(&self, context: &Context<'_>) -> Poll<Option<Bytes>> {
        let mut inbox = self.inbox.lock();
        if let Some(chunk) = inbox.chunk.take() {
            drop(inbox);
            // The life may read on.
            self.connection.wake();
            return Poll::Ready(Some(chunk));
        }
        if inbox.is_closed {
            return Poll::Ready(None);
        }
        inbox.reader = Some(context.waker().clone());
        Poll::Pending
    }

    async fn send(&self, format: TransferFormat, payload: Bytes) -> Result<(), RawSendError> {
        if payload.is_empty() && self.connection.form() == Form::Raw {
            return Ok(());
        }
        let _turn = self.sending.lock().await;
        self.connection.room().await;
        if self.connection.ending().is_some() {
            return Err(RawSendError::Closed);
        }
        let frame = match self.connection.form() {
            Form::Raw => payload,
            Form::WebSocket => websocket(format, |out| out.extend_from_slice(&payload)),
        };
        match self.connection.send_frame(&frame, &Overflow::Close) {
            Accepted::Written | Accepted::Queued | Accepted::Displaced(_) => Ok(()),
            Accepted::Overflowed | Accepted::Closed | Accepted::Broken => Err(RawSendError::Closed),
        }
    }
}

impl std::fmt::Debug for RawConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawConnection")
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for RawSender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawSender")
            .field("id", &self.line.connection.id())
            .finish_non_exhaustive()
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
