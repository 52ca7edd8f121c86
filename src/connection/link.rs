//! A link: a transport's two halves, as the life of a connection sees them.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use mesahub_protocol::TransferFormat;

use crate::hub::frame::Form;
use crate::hub::outbox::Wire;

/// One transport of one connection.
pub(crate) trait Link: Send {
    /// The sending half, for the outbox.
    fn wire(&self) -> Arc<dyn Wire>;

    /// How the transport wants its bytes.
    fn form(&self) -> Form;

    /// What it can carry.
    fn formats(&self) -> &'static [TransferFormat];

    /// Waits for the next thing to arrive. After `Closed` or `Lost` nothing more does.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Received>;

    /// Waits until the wire may take bytes again.
    fn poll_writable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// The transport's own last bytes, sent behind the last hub message.
    fn farewell(&self) -> Bytes;
}

/// What a transport hands up.
#[derive(Debug)]
pub(crate) enum Received {
    /// Bytes of the client's stream, with no regard to message boundaries.
    Chunk(Bytes),
    /// The transport's own answer to the peer, such as a pong, to be sent in order.
    Answer(Bytes),
    /// The peer said goodbye; the answer to it, if it is still owed one.
    Closed(Bytes),
    /// The peer sent more than a message may have.
    TooLarge,
    /// The transport broke, or the peer broke its rules.
    Lost(String),
}
